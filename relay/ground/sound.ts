/** A sound a customer has played: one of its prompts, what stands at a URL, or a sentence to be spoken. */
export type SoundSource =
  | { readonly kind: 'prompt'; readonly prompt_id: string }
  | { readonly kind: 'url'; readonly url: string }
  /** `language`: BCP 47; `voice`: its name, or '' for the language's usual one. */
  | { readonly kind: 'speech'; readonly text: string; readonly language: string; readonly voice: string }

/** A sound to be brought to this relay's disk, for a call of that customer. */
export interface SoundQuestion {
  readonly customer_id: string
  readonly sound: SoundSource
}

/** Where it is: a WAV file of 16 bit PCM, mono, 8 kHz, which lasts `ms`. It stays there while a call may play it. */
export interface SoundFile {
  readonly path: string
  readonly ms: number
}
