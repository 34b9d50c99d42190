import type { DeliveredEvent } from './outbox.ts'

/* Bodies as Slack's incoming webhooks and PagerDuty's Events API v2 read them. */

/** Slack shows three thousand letters of a block, PagerDuty a thousand of a summary. */
const LONGEST = { slack: 2_900, pagerduty: 1_000 }

/** The body which tells Slack of an alert: what a notification shows, and the same laid out. */
export function slackBody({ type, data }: DeliveredEvent): object {
  const [title, reason] = [`${standingOf(type, data)}: ${nameOf(data)}`, sentenceOf(type, data)]
  const small = [data.kind, data.address, data.raised_at]
    .filter((word) => typeof word === 'string')
    .join(' · ')
  const line = (words: string) => ({ type: 'mrkdwn', text: escaped(words).slice(0, LONGEST.slack) })
  return {
    text: escaped(`${title}. ${reason}`).slice(0, LONGEST.slack),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title.slice(0, 150) } },
      { type: 'section', text: line(reason) },
      ...(small === '' ? [] : [{ type: 'context', elements: [line(small)] }]),
    ],
  }
}

/** The body which opens PagerDuty's incident, keeps it open, or resolves it: one incident of ours is one of PagerDuty's. */
export function pagerdutyBody(
  { type, timestamp, subject, data }: DeliveredEvent,
  routingKey: string,
): object {
  const summary = `${nameOf(data)}: ${sentenceOf(type, data)}`
  return {
    routing_key: routingKey,
    event_action: type === 'alert.resolved' ? 'resolve' : 'trigger',
    dedup_key: String(data.incident_id ?? subject),
    client: 'Trunkline',
    payload: {
      summary: summary.slice(0, LONGEST.pagerduty),
      source: String(data.address ?? data.account ?? data.provider ?? data.country ?? 'Trunkline'),
      severity: type === 'alert.test' ? 'info' : 'error',
      timestamp,
      class: String(data.kind ?? 'test'),
      custom_details: data,
    },
  }
}

function standingOf(type: string, { repeated }: DeliveredEvent['data']): string {
  if (type === 'alert.resolved') return 'Resolved'
  if (type === 'alert.test') return 'Test'
  return repeated ? 'Still so' : 'Raised'
}

function nameOf({ name, kind }: DeliveredEvent['data']): string {
  return String(name || kind || 'an alert')
}

function sentenceOf(type: string, { reason, resolution }: DeliveredEvent['data']): string {
  return String((type === 'alert.resolved' ? resolution : reason) ?? '')
}

/** Slack reads these three as its own. */
function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
