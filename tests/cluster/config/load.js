// A steady load from an enrolled pod: so many requests a second, however long each takes. A request fails when its answer is not 200 or
// not the waypoint's; each is told line by line, with the second in which it was; the last line is the sum.
import http from 'k6/http';
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';

const rate = Number(__ENV.RATE);
const seconds = Number(__ENV.SECONDS);
const failed = new Counter('failed');

export const options = {
  scenarios: {
    steady: { executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${seconds}s`, preAllocatedVUs: 50, maxVUs: 500, gracefulStop: '15s' },
  },
  discardResponseBodies: true,
  summaryTrendStats: ['p(50)', 'p(99)', 'max'],
};

const byWaypoint = (answer) => answer.headers['Server'] === 'istio-envoy';

// A pod is enrolled a moment after it starts; connections made before that go past the waypoint.
export function setup() {
  while (!byWaypoint(http.get(__ENV.TARGET, { headers: { Connection: 'close' } }))) {
    sleep(0.1);
  }
  return { start: Date.now() };
}

export default function ({ start }) {
  const answer = http.get(__ENV.TARGET, { timeout: '15s' });
  if (answer.status !== 200 || !byWaypoint(answer)) {
    failed.add(1);
    console.log(`FAILED after ${((Date.now() - start) / 1000).toFixed(1)} s: status ${answer.status} server ${answer.headers['Server']} ${answer.error}`);
  }
}

export function handleSummary({ metrics }) {
  const duration = metrics.http_req_duration.values;
  const sum = {
    requests: metrics.iterations.values.count,
    failed: metrics.failed ? metrics.failed.values.count : 0,
    notSent: metrics.dropped_iterations ? metrics.dropped_iterations.values.count : 0,
    p50: duration['p(50)'],
    p99: duration['p(99)'],
    max: duration.max,
  };
  return { stdout: `SUM ${JSON.stringify(sum)}\n` };
}
