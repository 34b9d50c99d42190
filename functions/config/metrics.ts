import { Hono } from 'hono'
import * as z from 'zod'
import { exposition, expositionType, type MetricFamily, type MetricSample } from '#contract'
import { type Edge, prepare, quietly } from '../env.ts'
import { administrator } from '../http/authenticate.ts'
import type { Operation } from '../http/operation.ts'
import { type FleetFigures, fleetFigures } from '../store/fleet-figures.ts'

/**
 * What the edge knows of all relays together, as Prometheus reads it. For administrators: it is about every customer's
 * calls. By an access key and not by a secret of its own, so that it is made, limited, seen in use and revoked as any other.
 */
export const metrics = new Hono<Edge>().use(administrator).get('/', async (c) => {
  const figures = await fleetFigures(prepare(quietly(c.env)).db)
  return c.body(exposition(familiesOf(figures)), 200, { 'content-type': expositionType })
})

/** Nothing of it is an isolate's own: the next scrape may meet another. */
function familiesOf(figures: FleetFigures): MetricFamily[] {
  const { relays, attempts } = figures
  const ofRelays = (name: string, help: string, figure: (relay: FleetFigures['relays'][number]) => number) =>
    gauge(
      `trunkline_edge_relay_${name}`,
      help,
      relays.map((relay) => ({ labels: { relay: relay.id }, value: figure(relay) })),
    )
  const ofAttempts = (
    name: string,
    help: string,
    figure: (sums: FleetFigures['attempts'][number]) => number,
  ) =>
    counter(
      `trunkline_edge_${name}_total`,
      `${help}, since midnight UTC.`,
      attempts.map((sums) => ({ labels: { direction: sums.direction }, value: figure(sums) })),
    )
  return [
    gauge(
      'trunkline_edge_configuration_version',
      'Number of the last change of any customer’s.',
      one(figures.version),
    ),
    gauge('trunkline_edge_relays', 'Relays, by whether they were heard within seconds.', byState(relays)),
    ofRelays('calls', 'Calls under way there, as it said last.', ({ calls }) => calls),
    ofRelays(
      'registrations',
      'Phones and PBXs reachable there, as it said last.',
      (relay) => relay.registrations,
    ),
    ofRelays('spool_tells', 'What it has yet to tell, as it said last.', ({ spool_tells }) => spool_tells),
    ofRelays('last_heard_timestamp_seconds', 'When it was heard last, since 1970.', ({ heard_s }) => heard_s),
    gauge(
      'trunkline_edge_providers',
      'Providers, by how they look to all relays.',
      by('status', figures.providers),
    ),
    gauge(
      'trunkline_edge_provider_registrations',
      'Registrations at providers, by how they stand.',
      by('status', figures.registrations),
    ),
    ofAttempts(
      'call_attempts',
      'Attempts at providers, and calls from them, which are over',
      (sums) => sums.attempts,
    ),
    ofAttempts('call_attempts_answered', 'Of those which were answered', (sums) => sums.answered),
    ofAttempts('media_packets', 'RTP packets heard in them', ({ packets }) => packets),
    ofAttempts('media_packets_lost', 'RTP packets missing in them', ({ lost }) => Math.max(0, lost)),
    counter('trunkline_edge_events_total', 'Events of all customers.', one(figures.events)),
    gauge(
      'trunkline_edge_deliveries_waiting',
      'Events which a webhook is to be told of yet.',
      one(figures.deliveries),
    ),
    gauge(
      'trunkline_edge_oldest_delivery_timestamp_seconds',
      'When the first of them is, or was, to be tried next, since 1970.',
      figures.oldest_delivery_s === null ? [] : one(figures.oldest_delivery_s),
    ),
    gauge(
      'trunkline_edge_webhooks_failing',
      'Webhooks of which nothing but failure comes.',
      one(figures.webhooks_failing),
    ),
    gauge('trunkline_edge_alerts_raised', 'Incidents of alerts which last.', one(figures.alerts)),
  ]
}

function byState(relays: FleetFigures['relays']): MetricSample[] {
  const count = { alive: 0, draining: 0, lost: 0 }
  for (const { state } of relays) count[state]++
  return by('state', count)
}

function by(label: string, figures: Readonly<Record<string, number>>): MetricSample[] {
  return Object.entries(figures).map(([word, value]) => ({ labels: { [label]: word }, value }))
}

function one(value: number): MetricSample[] {
  return [{ value }]
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, kind: 'gauge', help, samples }
}

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, kind: 'counter', help, samples }
}

/** Reading figures for machines. */
export const metricsOperations: readonly Operation[] = [
  {
    id: 'getMetrics',
    method: 'get',
    path: '/metrics',
    summary: 'Read how everything stands, in the text format of Prometheus',
    description:
      'For administrators. One statement, which reads no call; a database which is asleep wakes for it. Relays have figures of their own.',
    tag: 'relays',
    scope: 'read',
    answer: z.string().describe('Prometheus’ text format, version 0.0.4.'),
    media: 'text/plain',
    errors: [],
    example: {
      answer:
        '# HELP trunkline_edge_relays Relays, by whether they were heard within seconds.\n# TYPE trunkline_edge_relays gauge\ntrunkline_edge_relays{state="alive"} 2\n',
    },
  },
]
