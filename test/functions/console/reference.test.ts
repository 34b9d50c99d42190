import { describe, expect, test } from 'vitest'
import { addressedTo, matches, operationsIn } from '../../../functions/console/api-document.ts'

const [operation] = operationsIn({
  tags: [],
  paths: {
    '/v1.0/flows/{id}': {
      patch: {
        operationId: 'changeFlow',
        tags: ['flows'],
        summary: 'Change some fields of a flow',
        responses: {},
        'x-codeSamples': [],
      },
    },
  },
})

describe('a request of the API', () => {
  test.each([
    ['', true],
    ['patch flow', true],
    ['fields /v1.0/flows', true],
    ['changeflow', true],
    ['delete flow', false],
  ])('is found by “%s”: %s', (typed, found) => {
    expect(operation && matches(operation, typed)).toBe(found)
  })

  test.each([
    ['curl -X DELETE "$API/v1.0/x"', 'curl -X DELETE "http://here/v1.0/x"'],
    ['const { API, KEY } = process.env\nx', "const API = 'http://here'\nconst { KEY } = process.env\nx"],
    ['const { API } = process.env\nx', "const API = 'http://here'\nx"],
  ])('which is copied asks this edge: %s', (source, copied) => {
    expect(addressedTo('http://here', source)).toBe(copied)
  })
})
