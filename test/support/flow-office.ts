import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Office } from './live-office.ts'
import { wavOf } from './played-wav.ts'
import type { Stack } from './stack.ts'

/** The menu by day; the number whose office is closed; one whose flow a server leads, and one which takes messages. */
export const numbers = {
  menu: '+15551110001',
  night: '+15551110002',
  asking: '+15551110003',
  message: '+15551110004',
}

/** A second which is like no other: from 300 to 2000 Hz. */
export const menu = Int16Array.from(
  { length: 8_000 },
  (_, n) => 16_000 * Math.sin(2 * Math.PI * (300 + 850 * (n / 8_000)) * (n / 8_000)),
)

/** What a customer's server does with a caller, by the last digit of its number. */
const manners: Readonly<Record<string, (answer: ServerResponse) => void>> = {
  0: (answer) => answer.socket?.destroy(),
  1: () => undefined,
  2: (answer) => answer.end('<html>What a flow?</html>'),
  3: (answer) => answer.end(JSON.stringify([{ id: 'said', type: 'hangup' }])),
}

/** A customer's server which is killed as it is asked, hangs, says nonsense, or has the call hung up. */
export class FlowServer {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<FlowServer> {
    const server = createServer(({ url = '' }, answer) => manners[url.at(-1) ?? '']?.(answer))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FlowServer(server)
  }

  /** Where it is, with a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** What a customer sets up: prompts, flows, and the numbers which lead to them; `url`: where its server is. */
export async function configureFlows(office: Office, stack: Stack, url: string): Promise<void> {
  const { api } = office
  const sound = Buffer.from(wavOf(menu)).toString('base64')
  const { id: prompt_id } = await api.post('/prompts', { name: 'Menu', sound })
  const ring = (target: string) => ({ destinations: [{ type: 'extension', target }] })
  const day = await api.post('/flows', {
    name: 'Menu',
    actions: [
      { id: 'welcome', type: 'answer' },
      { id: 'menu', type: 'play', option: { prompt_id, digits_handle: 'next' } },
      { id: 'keys', type: 'digits_receive', option: { duration: 4_000, accept: ['1', '2'] } },
      {
        id: 'which',
        type: 'branch',
        option: { target_ids: { 1: 'sales', 2: 'front' }, default_target_id: 'again' },
      },
      { id: 'again', type: 'goto', option: { target_id: 'menu', loop_count: 1 } },
      { id: 'bye', type: 'hangup' },
      { id: 'sales', type: 'connect', option: ring('sales'), next_id: 'bye' },
      { id: 'front', type: 'connect', option: ring('front') },
      {
        id: 'is-busy',
        type: 'condition_variable',
        option: {
          condition: '==',
          variable: ['$', '{voipbin.connect.result}'].join(''),
          value_string: 'busy',
          false_target_id: 'bye',
        },
      },
      { id: 'backup', type: 'connect', option: ring('backup'), next_id: 'bye' },
    ],
  })
  const days = [-1, 0, 1].map((more) => new Date(Date.now() + more * 86_400_000).toISOString().slice(5, 10))
  const night = await api.post('/flows', {
    name: 'Night',
    actions: [
      { id: 'hours', type: 'condition_datetime', option: { holidays: days, false_target_id: 'night' } },
      { id: 'open', type: 'connect', option: ring('sales') },
      { id: 'night', type: 'voicemail', option: { extension: 'sales', prompt: { prompt_id }, duration: 2 } },
    ],
  })
  const asking = await api.post('/flows', {
    name: 'Asking',
    actions: [
      { id: 'welcome', type: 'answer' },
      {
        id: 'ask',
        type: 'fetch',
        option: {
          event_url: [url, '$', '{voipbin.call.source.target}'].join(''),
          timeout: 2_000,
          failed_target_id: 'sorry',
        },
      },
      { id: 'sorry', type: 'play', option: { prompt_id } },
      { id: 'end', type: 'hangup' },
    ],
  })
  const unheard = await api.post('/prompts', {
    sound: Buffer.from(wavOf(menu.subarray(0, 800))).toString('base64'),
  })
  const message = await api.post('/flows', {
    name: 'Message',
    actions: [
      { id: 'unheard', type: 'play', option: { prompt_id: unheard.id } },
      { id: 'message', type: 'voicemail', option: { prompt: { prompt_id }, duration: 1 } },
    ],
  })
  for (const [number, call_flow_id] of [
    [numbers.menu, day.id],
    [numbers.night, night.id],
    [numbers.asking, asking.id],
    [numbers.message, message.id],
  ])
    await stack.api.post('/numbers', { number, call_flow_id, customer_id: office.id })
}
