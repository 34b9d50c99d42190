/*
 * Loaded before a child we supervise (`node --import`): when the parent is gone, however it went, the
 * child is asked to stop, and stopped if it does not.
 */
const patience = 5_000

process.once('disconnect', () => {
  setTimeout(() => process.exit(1), patience).unref()
  process.kill(process.pid, 'SIGTERM')
})
