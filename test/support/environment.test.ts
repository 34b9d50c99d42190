import { expect, test } from 'vitest'
import { environmentOf } from './environment.ts'

test('a process under test has of the caller’s environment what is no setting of ours, and what is named', () => {
  const caller = {
    PATH: '/bin',
    HOME: '/users/bob',
    LC_ALL: 'C',
    NODE_OPTIONS: '--trace-warnings',
    PUBLIC_IP: '203.0.113.7',
    DATABASE_URL: 'postgres://live',
    UNKNOWN_SOURCE: 'silent',
    LOG_LEVEL: 'silent',
    DATA_DIR: '/var/lib/trunkline',
    http_proxy: 'http://127.0.0.1:1',
    EMPTY: undefined,
  }
  expect(environmentOf({ LOG_LEVEL: 'warn', SIP_PORT: '5060' }, caller)).toEqual({
    PATH: '/bin',
    HOME: '/users/bob',
    LC_ALL: 'C',
    NODE_OPTIONS: '--trace-warnings',
    LOG_LEVEL: 'warn',
    SIP_PORT: '5060',
  })
})
