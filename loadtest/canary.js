// A canary under steady load: no request fails, and the canary's share stays within the bounds of chance.
//
//   k6 run -e TARGET=http://10.96.0.10 -e CANARY=0.10 loadtest/canary.js
//
// TARGET   a service whose backends answer with their version in the body (v1, v2); default http://reviews
// CANARY   the share that v2 should get, 0 to 1; default 0.10
// RATE     requests a second, by open-loop arrival; default 500
// DURATION default 10s

import http from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';

const target = __ENV.TARGET || 'http://reviews';
const share = Number(__ENV.CANARY || 0.1);
const rate = Number(__ENV.RATE || 500);
const duration = __ENV.DURATION || '10s';

const canary = new Counter('canary_requests');
const stable = new Counter('stable_requests');

// Four standard deviations: chance alone leaves the bounds once in 16,000 runs.
const total = rate * Number(duration.replace('s', ''));
const slack = 4 * Math.sqrt(share * (1 - share) / total) * total;

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration,
      preAllocatedVUs: 200,
    },
  },
  thresholds: {
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    canary_requests: [`count>=${Math.floor(share * total - slack)}`, `count<=${Math.ceil(share * total + slack)}`],
  },
  summaryTrendStats: ['med', 'p(99)', 'max'],
};

export default function () {
  const answer = http.get(`${target}/`);
  check(answer, { 'answered by a version': (r) => r.status === 200 && /\bv[12]\b/.test(String(r.body)) });
  (/\bv2\b/.test(String(answer.body)) ? canary : stable).add(1);
}
