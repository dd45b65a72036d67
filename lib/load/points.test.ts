import { expect, test } from 'vitest';
import { pointStream } from './points.ts';

const point = (metric: string, metadata = '') =>
  `{"metric":"${metric}","type":"Point","data":{"value":1${metadata}}}\n`;
const operation = point('operation', ',"metadata":{"item":"Kühlmittel ☂"}');
const text =
  `{"type":"Metric","data":{"name":"operation"},"metric":"operation"}\n` +
  point('http_reqs') +
  operation +
  point('iterations') +
  point('iteration_failed') +
  '{"metric":"iteration_duration","type":"Point","data":{"time":"2026-11-23T01:30:00Z","value":12.5,"tags":{}}}\n' +
  point('write_sent') +
  point('dropped_iterations');
const lines = [operation, point('write_sent'), point('dropped_iterations')].map((line) => line.trimEnd());

test('evidence is kept verbatim, the rest is counted or left out', () => {
  const [first, second, third] = lines;
  expect(pointStream().push(Buffer.from(text))).toEqual([
    { kind: 'sample', line: first },
    { kind: 'iteration' },
    { kind: 'iteration-failed' },
    { kind: 'iteration-time', ms: 12.5 },
    { kind: 'sample', line: second },
    { kind: 'sample', line: third },
  ]);
});

test('an iteration says for which run it was', () => {
  const ended =
    '{"metric":"iteration_duration","type":"Point","data":{"value":3,"metadata":{"run":"rabc-02"}}}\n' +
    point('iterations', ',"metadata":{"run":"rabc-02"}');
  expect(pointStream().push(Buffer.from(ended))).toEqual([
    { kind: 'iteration-time', ms: 3, run: 'rabc-02' },
    { kind: 'iteration', run: 'rabc-02' },
  ]);
});

test('it does not matter where the stream is cut, not even inside a character', () => {
  const bytes = Buffer.from(text);
  for (const size of [1, 2, 3, 7, 64]) {
    const stream = pointStream();
    const samples: string[] = [];
    for (let at = 0; at < bytes.length; at += size)
      for (const one of stream.push(bytes.subarray(at, at + size))) if (one.kind === 'sample') samples.push(one.line);
    expect(samples).toEqual(lines);
    expect(stream.rest()).toBe('');
  }
});

test('a line that was cut off is kept as it is when it could be evidence', () => {
  const stream = pointStream();
  stream.push(Buffer.from(operation.slice(0, 40)));
  expect(stream.rest()).toBe(operation.slice(0, 40));
});

test('a line of something else that was cut off is not', () => {
  const stream = pointStream();
  stream.push(Buffer.from(point('http_reqs').slice(0, 40)));
  expect(stream.rest()).toBe('');
});
