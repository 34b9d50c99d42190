import { defineConfig } from 'vitest/config'

/** Real processes, sockets and clients: one test at a time, since they share ports and clocks. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['live/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    fileParallelism: false,
    hookTimeout: 120_000,
    testTimeout: 120_000,
  },
})
