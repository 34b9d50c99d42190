import { describe, expect, test } from 'vitest'
import { faultOfTarget, faultOfUrl, type TargetRules } from '../../../functions/events/target.ts'
import { forbiddenPlaces } from '../../support/forbidden-places.ts'

const strict: TargetRules = { allowPrivate: false, ownNames: ['trunkline.test', 'api.trunkline.example'] }
const local: TargetRules = { ...strict, allowPrivate: true }

const [noUrl, scheme, credentials, port, place] = [
  'is not a URL',
  'does not begin with https://',
  'has credentials: receivers know us by the signature',
  'has a port below 1024 which is not its scheme’s',
  'is not a place on the public internet',
]

describe('a webhook’s URL', () => {
  test.each([
    'https://hooks.example.com',
    'https://hooks.example.com/a/b?c=d',
    'https://hooks.example.com:443/',
    'https://hooks.example.com:8443/',
    'https://hooks.example.com:1024/',
    'https://HOOKS.example.com./',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://nottrunkline.test/',
  ])('may be %s', (url) => {
    expect(faultOfUrl(url, strict)).toBeUndefined()
  })

  test.each([
    ['', noUrl],
    ['hooks.example.com', noUrl],
    ['https://', noUrl],
    ['https://hooks.example.com/\r\nx: y', noUrl],
    ['https://hooks.exam\tple.com/', noUrl],
    [' https://hooks.example.com/', noUrl],
    ['https://hooks.example.com\\@10.0.0.1/', noUrl],
    ['https://1.2.3.4.5.6/', noUrl],
    [`https://hooks.example.com/${'x'.repeat(2048)}`, noUrl],
    ['http://hooks.example.com/', scheme],
    ['ftp://hooks.example.com/', scheme],
    ['file:///etc/passwd', scheme],
    ['gopher://hooks.example.com/', scheme],
    ['javascript:alert(1)', scheme],
    ['data:text/plain,x', scheme],
    ['https://user@hooks.example.com/', credentials],
    ['https://user:secret@hooks.example.com/', credentials],
    ['https://hooks.example.com:22/', port],
    ['https://hooks.example.com:25/', port],
    ['https://hooks.example.com:80/', port],
    ['https://api.trunkline.example/v1.0/webhooks', place],
    ...forbiddenPlaces.map((url) => [url, place]),
  ])('may not be %s: it %s', async (url, fault) => {
    expect(faultOfUrl(url, strict)).toBe(fault)
    // Whatever a name server would say: what the text tells comes first.
    expect(await faultOfTarget(url, strict, async () => ['8.8.8.8'])).toBe(fault)
  })

  test.each([
    [[], 'leads nowhere: its name has no address'],
    [undefined, 'unknown'],
    [['8.8.8.8'], undefined],
    [['8.8.8.8', '2606:4700:4700::1111'], undefined],
    [['127.0.0.1'], 'leads to an address which is not on the public internet'],
    [['8.8.8.8', '10.0.0.1'], 'leads to an address which is not on the public internet'],
    [['8.8.8.8', '::ffff:169.254.169.254'], 'leads to an address which is not on the public internet'],
    [['what is this'], 'leads to an address which is not on the public internet'],
  ])('whose name is found at %j: %s', async (addresses, fault) => {
    expect(await faultOfTarget('https://hooks.example.com/', strict, async () => addresses)).toBe(fault)
  })

  test('may be private and without TLS for a local stack, and no nonsense there either', async () => {
    const never = () => Promise.reject(new Error('asked'))
    for (const url of ['http://127.0.0.1:9000/', 'http://localhost/', 'https://10.0.0.1/'])
      expect(await faultOfTarget(url, local, never)).toBeUndefined()
    expect(faultOfUrl('http://127.0.0.1:22/', local)).toBe(port)
    expect(faultOfUrl('http://0.0.0.0/', local)).toBe(place)
    expect(faultOfUrl('file:///etc/passwd', local)).toBe(scheme)
  })
})
