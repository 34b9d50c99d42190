import type { ShownWebhook } from './shown.ts'

const reasons: Readonly<Record<string, string>> = {
  GONE: 'it answered that it is gone',
  FAILING: 'it took nothing for days',
}

/** Whether a webhook is told of events, and why not. */
export function WebhookStanding({ webhook: { enabled, disabled_reason } }: { webhook: ShownWebhook }) {
  if (enabled) return <span class="good">✓ enabled</span>
  if (disabled_reason === null) return <span class="quiet">– disabled</span>
  return <span class="bad">✕ disabled: {reasons[disabled_reason] ?? disabled_reason}</span>
}
