// Three tiers: unit (seconds, nothing real), integration (real processes against fakes, a real browser), lab (the real thing).
import { defineConfig } from 'vitest/config';

const common = { environment: 'node', restoreMocks: true } as const;
const needLab = ['tests/lab/**/*.test.ts', 'tests/contract/**/*.test.ts'];
const everyFault = ['tests/faults/**/*.test.ts'];
const everyLabDefect = ['tests/selftest/**/*.test.ts'];
const needProcesses = ['tests/integration/**/*.test.ts', 'tests/report/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          // Only for what hangs: a test that says how long something takes is none.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: ['**/*.test.ts'],
          exclude: ['node_modules/**', 'runs/**', ...needLab, ...everyFault, ...everyLabDefect, ...needProcesses],
        },
      },
      {
        test: {
          ...common,
          name: 'integration',
          include: needProcesses,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      // One lab: its tests take turns, and a gate takes minutes.
      {
        test: {
          ...common,
          name: 'lab',
          include: needLab,
          setupFiles: ['tests/lab/addresses.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          sequence: { shuffle: false },
        },
      },
      // Half an hour: `npm test -- faults`.
      {
        test: {
          ...common,
          name: 'faults',
          include: everyFault,
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      // As long again: `npm test -- selftest`.
      {
        test: { ...common, name: 'selftest', include: everyLabDefect, testTimeout: 5_400_000 },
      },
    ],
  },
});
