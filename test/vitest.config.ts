import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    exclude: ['live/**', 'bench/**', '**/node_modules/**'],
    // Left to itself it keeps one core free: on two that is half of what there is.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    hookTimeout: 120_000,
    testTimeout: 60_000,
  },
})
