import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'

const config = join(import.meta.dirname, '..', '..', 'wrangler.toml')

/** What is read of one; wrangler's own type comes as `any` from its package. */
interface Environment {
  name: string
  main: string
  compatibility_date: string
  queues: {
    producers: { binding: string; queue: string }[]
    consumers: { queue: string; max_concurrency: number }[]
  }
  r2_buckets: { binding: string; bucket_name: string }[]
  durable_objects: { bindings: { name: string; class_name: string }[] }
  ratelimits: { name: string; namespace_id: string; simple: object }[]
  vars: Record<string, string>
  triggers: object
  assets: object
  build: object
  migrations: object[]
}

function read(env?: string): Environment {
  return unstable_readConfig({ config, env }, { hideWarnings: true })
}
const [local, staging, production] = [read(), read('staging'), read('production')]

/** What an environment has, without the names by which it is told from others. */
function having(environment: Environment) {
  const { queues, r2_buckets, durable_objects, ratelimits, vars, main, compatibility_date } = environment
  return {
    producers: queues.producers.map(({ binding }) => binding),
    consumers: queues.consumers.map(({ queue, ...how }) => how),
    buckets: r2_buckets.map(({ binding }) => binding),
    objects: durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
    limits: ratelimits.map(({ name, simple }) => [name, simple]),
    vars: { ...vars, BASE_DOMAIN: '' },
    code: [main, compatibility_date],
    triggers: environment.triggers,
    assets: environment.assets,
    build: environment.build,
    migrations: environment.migrations,
  }
}

function namesOf({ name, queues, r2_buckets, ratelimits, vars }: Environment): string[] {
  return [
    name,
    ...queues.producers.map(({ queue }) => queue),
    ...r2_buckets.map(({ bucket_name }) => bucket_name),
    ...ratelimits.map(({ namespace_id }) => namespace_id),
    String(vars.BASE_DOMAIN),
  ]
}

describe('the environments of wrangler.toml', () => {
  test('have all what one’s own machine has', () => {
    expect(having(local).buckets).not.toEqual([])
    expect(having(local).assets).toMatchObject({ not_found_handling: 'none' })
    expect(having(staging)).toEqual(having(local))
    expect(having(production)).toEqual(having(local))
  })

  test('share nothing with each other', () => {
    const names = [local, staging, production].flatMap(namesOf)
    expect(names.length).toBeGreaterThan(10)
    expect(new Set(names).size).toBe(names.length)
  })

  test('send what is queued where it is taken from', () => {
    for (const environment of [local, staging, production])
      expect(environment.queues.consumers.map(({ queue }) => queue)).toEqual(
        environment.queues.producers.map(({ queue }) => queue),
      )
  })
})
