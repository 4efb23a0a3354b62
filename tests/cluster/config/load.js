// A steady load from an enrolled pod: so many requests a second, however long each takes. What failed is told line by line, with the
// second in which it did; the last line is the sum.
import http from 'k6/http';

const rate = Number(__ENV.RATE);
const seconds = Number(__ENV.SECONDS);
const start = Date.now();

export const options = {
  scenarios: {
    steady: { executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${seconds}s`, preAllocatedVUs: 40, maxVUs: 400, gracefulStop: '15s' },
  },
  discardResponseBodies: true,
  noVUConnectionReuse: false,
  summaryTrendStats: ['p(50)', 'p(99)', 'max'],
};

export default function () {
  const answer = http.get(__ENV.TARGET, { timeout: '15s' });
  if (answer.status !== 200) {
    console.log(`FAILED after ${((Date.now() - start) / 1000).toFixed(1)} s: status ${answer.status} ${answer.error}`);
  }
}

export function handleSummary(data) {
  const m = data.metrics;
  const sum = {
    requests: m.http_reqs.values.count,
    failed: m.http_req_failed.values.passes,
    dropped: m.dropped_iterations ? m.dropped_iterations.values.count : 0,
    p50: m.http_req_duration.values['p(50)'],
    p99: m.http_req_duration.values['p(99)'],
    max: m.http_req_duration.values.max,
  };
  return { stdout: `SUM ${JSON.stringify(sum)}\n` };
}
