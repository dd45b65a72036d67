// Three tiers: unit (seconds, nothing real), integration (real processes against fakes, a real browser), lab (the real thing).
import { defineConfig } from 'vitest/config';

const common = { environment: 'node', restoreMocks: true } as const;
const needLab = ['tests/lab/**/*.test.ts', 'tests/contract/**/*.test.ts'];
const needProcesses = ['tests/integration/**/*.test.ts', 'tests/report/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['node_modules/**', 'runs/**', ...needLab, ...needProcesses],
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
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          sequence: { shuffle: false },
        },
      },
    ],
  },
});
