import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { operations } from '../../functions/config/operations.ts'
import { about } from '../../functions/http/about.ts'
import { reasons } from '../../functions/http/api-error.ts'
import { exampleIds } from '../../functions/http/example-ids.ts'
import { openApi } from '../../functions/http/openapi.ts'
import type { Operation } from '../../functions/http/operation.ts'
import worker from '../../functions/index.ts'
import { ApiDocument } from '../support/api-document.ts'

const document = openApi(operations, about)
const api = new ApiDocument(document)

describe('the document', () => {
  test('is OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(document)))
    expect([validator.version, valid, errors]).toEqual(['3.1', true, undefined])
  })

  test('has every endpoint under /v1.0, and no other', () => {
    const served = worker.routes
      .filter(({ method, path }) => method !== 'ALL' && /^\/(v1\.0\/|healthz|readyz|metrics)/.test(path))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    expect([...new Set(served)].sort()).toEqual(described.sort())
  })

  test('names each operation once, in a line, under a tag which it explains', () => {
    const ids = operations.map(({ id }) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
    expect(ids.filter((id) => !/^[a-z]+[A-Za-z]+$/.test(id))).toEqual([])
    expect(operations.filter(({ summary }) => /\n|\.$/.test(summary) || summary.length > 80)).toEqual([])
    expect(operations.map(({ tag }) => tag).filter((tag) => !(tag in about.tags))).toEqual([])
  })

  test('knows every reason there is, but those which come before an operation is found', () => {
    const text = JSON.stringify(document)
    const unknown = Object.keys(reasons).filter((reason) => !text.includes(`"${reason}"`))
    expect(unknown.filter((reason) => !beforeOrElsewhere.has(reason))).toEqual([])
  })

  test.each(operations.map(({ id }) => id).filter((id) => !['getOpenApi', 'getRecordingFile'].includes(id)))(
    'has an example of %s which is as it says',
    (id) => {
      const operation = api.operation(id)
      const { body, answer } = operation.example
      expect(answer).toBeDefined()
      expect(api.faultsOfAnswer(operation, Number(operation.successes[0]), answer)).toEqual([])
      expect(api.faultsOfBody(operation, body)).toEqual([])
    },
  )

  test('calls no two things of its examples by one id', () => {
    const ids = Object.values(exampleIds)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('keeps what is written apart from what is answered', () => {
    const shape = z.object({ n: z.int().default(3) }).meta({ id: 'Apart' })
    const { components } = openApi([{ ...plain, method: 'post', body: shape, answer: shape }], about)
    expect(components.schemas.ApartInput?.required).toBeUndefined()
    expect(components.schemas.Apart?.required).toEqual(['n'])
  })

  test('cannot have two operations at one place, nor two schemas of one name', () => {
    expect(() => openApi([plain, { ...plain, id: 'b' }], about)).toThrow('Two operations are get /v1.0/a')
    const [one, other] = ['x', 'y'].map((key) => z.object({ [key]: z.string() }).meta({ id: 'Same' }))
    const same = [plain, { ...plain, path: '/v1.0/b' }].map((operation, at) => ({
      ...operation,
      answer: [one, other][at] as z.ZodType,
    }))
    expect(() => openApi(same, about)).toThrow('Two schemas are called Same')
  })
})

/** Of paths and methods which are none, what relays are told, and one which nothing is refused with any more. */
const beforeOrElsewhere = new Set([
  'INVALID_FLOW',
  'METHOD_NOT_ALLOWED',
  'NO_HUB',
  'PROVISIONING_GONE',
  'RELAY_KEY_REVOKED',
  'RELAY_REPLACED',
  'RESOURCE_NOT_FOUND',
  'SNAPSHOT_TOO_LARGE',
  'SOUND_UNREACHABLE',
])

const plain: Operation = {
  id: 'a',
  method: 'get',
  path: '/v1.0/a',
  summary: 'A',
  tag: 'calls',
  scope: 'read',
  answer: z.object({}),
  errors: [],
}
