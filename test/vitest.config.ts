import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    exclude: ['live/**', 'bench/**', '**/node_modules/**'],
    hookTimeout: 120_000,
    testTimeout: 60_000,
  },
})
