import { type Context, Hono, type Next } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { rotations } from './config/accesskey-rotation.ts'
import { advice } from './config/advice.ts'
import { alertActions } from './config/alert-actions.ts'
import { blocks } from './config/blocks.ts'
import { callMaking } from './config/call-making.ts'
import { messagesOfCalls } from './config/call-messages.ts'
import { callOrders } from './config/call-orders.ts'
import { calls } from './config/calls.ts'
import { changes } from './config/changes.ts'
import { self } from './config/customers.ts'
import { callDiagnoses, extensionDiagnoses, providerDiagnoses } from './config/diagnoses.ts'
import { drillActions } from './config/drill-runs.ts'
import { erasures } from './config/erasures.ts'
import { events } from './config/events.ts'
import { flowSecrets } from './config/flow-secrets.ts'
import { flowServer } from './config/flow-server.ts'
import { simulations } from './config/flow-simulation.ts'
import { flowVersions } from './config/flow-versions.ts'
import { forwarding } from './config/forwarding.ts'
import { metrics } from './config/metrics.ts'
import { operations } from './config/operations.ts'
import { outboundGuards, ownOutboundGuard } from './config/outbound-guard.ts'
import { ownKey } from './config/own-key.ts'
import { promptDownloads } from './config/prompts.ts'
import { carriers } from './config/provider-reports.ts'
import { provisioning } from './config/provisioning.ts'
import { PROVISIONING_LINKS, provisioningLinks } from './config/provisioning-links.ts'
import { recordingOrders } from './config/recording-orders.ts'
import { mailboxes, recordingFiles, recordings } from './config/recordings.ts'
import { endings } from './config/registration-endings.ts'
import { registrationTokens } from './config/registration-tokens.ts'
import { registrations } from './config/registrations.ts'
import { relayDeletion } from './config/relay-deletion.ts'
import { draining } from './config/relay-draining.ts'
import { relayKeys } from './config/relay-keys.ts'
import { relays } from './config/relays.ts'
import { explain } from './config/resolve.ts'
import { resources } from './config/resources.ts'
import { stats } from './config/stats.ts'
import { turnCredentials } from './config/turn-credentials.ts'
import { versions } from './config/versions.ts'
import { webhookActions } from './config/webhook-actions.ts'
import { type Edge, prepare } from './env.ts'
import { dispatcherOf } from './events/dispatcher.ts'
import { about } from './http/about.ts'
import { announced } from './http/announced.ts'
import { ApiError, present } from './http/api-error.ts'
import { authenticate, authenticateRelay, confirmsRelay, watches, withinScope } from './http/authenticate.ts'
import { signing } from './http/config-lock.ts'
import { crossOrigin } from './http/cors.ts'
import { documented } from './http/docs.ts'
import { healthz, readyz } from './http/healthz.ts'
import { idempotent } from './http/idempotency.ts'
import { KnownPaths } from './http/known-paths.ts'
import { unanswered } from './http/method.ts'
import { knownParameters } from './http/query.ts'
import { rateLimited } from './http/rate-limit.ts'
import { requestId } from './http/request-id.ts'
import { hubsAt } from './hub/binding.ts'
import { holdingBody } from './media/held-uploads.ts'
import { RECORDING_LINKS, recordingLinks } from './media/recording-links.ts'
import { MOST_UPLOADED } from './media/upload.ts'
import { beats } from './relay-api/beat.ts'
import { begins } from './relay-api/begin.ts'
import { bindings } from './relay-api/bindings.ts'
import { credential } from './relay-api/credential.ts'
import { greeting } from './relay-api/hello.ts'
import { hubSockets } from './relay-api/hub-socket.ts'
import { recordingArrivals } from './relay-api/recordings.ts'
import { resolve } from './relay-api/route.ts'
import { snapshots } from './relay-api/snapshot.ts'
import { promptSounds, sounds } from './relay-api/sounds.ts'
import { target } from './relay-api/target.ts'
import { tells } from './relay-api/tells.ts'
import { wholeRound } from './rounds/round.ts'
import { roundsOf } from './rounds-keeper.ts'

const KIB = 1024
const unsaidLimit = atMost(256 * KIB, 'The body, whose length no Content-Length says,')
const [usualLimit, soundLimit] = [atMost(256 * KIB), atMost(MOST_UPLOADED)]
/** What relays bring of sound comes in parts of as much as a bucket takes at least; all else they say is smaller. */
const [toldLimit, partLimit] = [atMost(4096 * KIB), atMost(5 * 1024 * KIB)]

/** A slash at the end of a path says nothing more. */
const app = new Hono<Edge>({ strict: false, router: new KnownPaths() })
  .onError(present)
  .use(requestId)
  .use(async (c, next) => {
    const { settings, db, seal, wrongKeys, knownHolders, knownRelayKeys, keyUses, listeners, watch } =
      prepare(c.env)
    c.set('settings', settings)
    c.set('db', db)
    c.set('seal', seal)
    c.set('wrongKeys', wrongKeys)
    c.set('knownHolders', knownHolders)
    c.set('knownRelayKeys', knownRelayKeys)
    c.set('keyUses', keyUses)
    c.set('listeners', listeners)
    c.set('watch', watch)
    await next()
  })

  .use(crossOrigin)
  .route('/healthz', healthz)
  .route('/readyz', readyz)
  .route(RECORDING_LINKS, recordingLinks)
  .use(`${PROVISIONING_LINKS}/*`, rateLimited)
  .route(PROVISIONING_LINKS, provisioningLinks)
  .route('/', documented(operations, about))
  // Where many look for it: it is at `/`, and its parts are below this path.
  .get('/console', (c) => c.redirect('/'))

  .use(
    '/metrics/*',
    rateLimited,
    authenticate,
    withinScope(operations),
    knownParameters('token', 'accesskey'),
  )
  .route('/metrics', metrics)

  .use(
    '/v1.0/*',
    rateLimited,
    authenticate,
    withinScope(operations),
    signing,
    knownParameters('token', 'accesskey', 'customer_id'),
    fitting,
    announced,
    // The last: what no endpoint takes is thrown through it, and frees its key.
    idempotent,
  )
  .on('ALL', ['/v1.0/calls/*', '/v1.0/events/*'], watches)
  .route('/v1.0/customer', self)
  .route('/v1.0/customer', ownOutboundGuard)
  .route('/v1.0/customers', outboundGuards('customer'))
  .route('/v1.0/extensions', outboundGuards('extension'))
  .route('/v1.0/trunks', outboundGuards('trunk'))
  .route('/v1.0/accesskeys', rotations)
  .route('/v1.0/accesskey', ownKey)
  .route('/v1.0/routes/resolve', explain)
  .all('/v1.0/routes/resolve', (c) => c.notFound()) // not a route whose id is "resolve"
  .route('/v1.0/flows/simulate', simulations)
  .all('/v1.0/flows/simulate', (c) => c.notFound()) // not a flow whose id is "simulate"
  .route('/v1.0/flows/secret', flowSecrets)
  .all('/v1.0/flows/secret', (c) => c.notFound()) // nor one whose id is "secret"
  .route('/v1.0/flows', flowVersions)
  .route('/v1.0/providers', carriers)
  .route('/v1.0/extensions', forwarding)
  .route('/v1.0/extensions', provisioning)
  .route('/v1.0/extensions', registrationTokens)
  .route('/v1.0/extensions', extensionDiagnoses)
  .route('/v1.0/providers', providerDiagnoses)
  .route('/v1.0/prompts', promptDownloads)
  .route('/v1.0/calls', callMaking)
  .route('/v1.0/calls', calls)
  .route('/v1.0/calls', messagesOfCalls)
  .route('/v1.0/calls', callOrders)
  .route('/v1.0/calls', callDiagnoses)
  .route('/v1.0/calls', recordingOrders)
  .route('/v1.0/recordings', recordings)
  .route('/v1.0/recordingfiles', recordingFiles)
  .route('/v1.0/extensions', mailboxes)
  .route('/v1.0/stats', stats)
  .route('/v1.0/advice', advice)
  .route('/v1.0/erasures', erasures)
  .route('/v1.0/registrations', registrations)
  .route('/v1.0/registrations', endings)
  .route('/v1.0/turn-credentials', turnCredentials)
  .route('/v1.0/blocks', blocks)
  .route('/v1.0/events', events)
  .route('/v1.0/relays', relays)
  .route('/v1.0/relays', draining)
  .route('/v1.0/relays', relayDeletion)
  .route('/v1.0/relays', relayKeys)
  .route('/v1.0/webhooks', webhookActions)
  .route('/v1.0/alerts', alertActions)
  .route('/v1.0/drills', drillActions)
  .route('/v1.0/changes', changes)
  .route('/v1.0/versions', versions)

  // A relay may be a deploy older or newer: what it says beyond what is known here is passed over.
  .use('/relay/v1/*', authenticateRelay, bringing)
  .on(
    'ALL',
    ['hello', 'sounds', 'flow-server'].map((door) => `/relay/v1/${door}/*`),
    confirmsRelay,
  )
  // Where there is a hub, it hears beats before the database does.
  .on(
    'ALL',
    ['hub', 'beat'].map((door) => `/relay/v1/${door}/*`),
    (c, next) => (hubsAt(c.env) ? confirmsRelay(c, next) : next()),
  )
  .route('/relay/v1/route', resolve)
  .route('/relay/v1/credential', credential)
  .route('/relay/v1/target', target)
  .route('/relay/v1/flow-server', flowServer)
  .route('/relay/v1/tells', tells)
  .route('/relay/v1/bindings', bindings)
  .route('/relay/v1/beat', beats)
  .route('/relay/v1/begin', begins)
  .route('/relay/v1/hello', greeting)
  .route('/relay/v1/hub', hubSockets)
  .route('/relay/v1/snapshots', snapshots)
  .route('/relay/v1/prompts', promptSounds)
  .route('/relay/v1/sounds', sounds)
  .route('/relay/v1/recordings', recordingArrivals)

// Every noun which is declared, at its path.
for (const { path, endpoints } of resources) app.route(path, endpoints)

app.notFound((c) => unanswered(app, c))

export { RelayHub } from './relay-api/relay-hub.ts'
export { Rounds } from './rounds/rounds.ts'

/** The Worker: every door of the edge, what it does every minute (`triggers` in wrangler.toml), and when its Queue says so. */
export default Object.assign(app, {
  scheduled: async (_: unknown, env: object) => {
    if (!(await roundsOf(env)?.keep())) await wholeRound(env)
  },
  queue: (_: unknown, env: object) => dispatcherOf(env).carryOut(),
})

/** A body may be so large: a sound which is uploaded is larger than what is said of anything else. */
function fitting(c: Context<Edge>, next: Next) {
  const uploads = c.req.method === 'POST' && /^\/v1\.0\/prompts\/?$/.test(c.req.path)
  if (uploads && !saysLength(c)) return unsaidLimit(c, next)
  return uploads ? holdingBody(c, () => soundLimit(c, next)) : usualLimit(c, next)
}

/** The same of what relays say. */
function bringing(c: Context<Edge>, next: Next) {
  if (!saysLength(c)) return unsaidLimit(c, next)
  const parts = c.req.path.startsWith('/relay/v1/recordings/')
  return parts ? holdingBody(c, () => partLimit(c, next)) : toldLimit(c, next)
}

/** Whether a body says how large it is. One which does not is read into memory before that is known. */
function saysLength({ req }: Context<Edge>): boolean {
  return req.header('content-length') !== undefined && req.header('transfer-encoding') === undefined
}

function atMost(maxSize: number, which = 'The body') {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new ApiError('BODY_TOO_LARGE', `${which} is larger than ${maxSize / KIB} KiB.`)
    },
  })
}
