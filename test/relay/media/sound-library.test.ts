import { expect, test } from 'vitest'
import { SoundLibrary } from '../../../relay/media/sound-library.ts'
import { wave, wavOf } from '../../support/played-wav.ts'

const [hello, bye, song] = [wave(100), wave(100, 500), wave(200)]

test('a sound is read once, however often it is asked for', () => {
  const library = new SoundLibrary()
  for (let times = 0; times < 3; times++) expect(library.find('hello').samples).toBeUndefined()
  expect(library.wanted.splice(0)).toEqual(['hello'])
  library.read('hello', wavOf(hello))
  expect(library.find('hello').samples).toEqual(hello)
  expect(library.wanted).toEqual([])
})

test('one which is not to be had is read again when it is asked for again', () => {
  const library = new SoundLibrary()
  library.find('hello')
  expect(library.read('hello', new Uint8Array(3))).toEqual({ why: 'It is no WAV file.' })
  library.find('hello')
  library.failed('hello', 'ENOENT')
  library.find('hello')
  expect(library.wanted).toEqual(['hello', 'hello', 'hello'])
})

test('what was played least lately goes where there is no room, and its samples stay with who plays them', () => {
  const library = new SoundLibrary(hello.byteLength + song.byteLength)
  for (const [path, sound] of Object.entries({ hello, bye })) {
    library.find(path)
    library.read(path, wavOf(sound))
  }
  library.find('hello')
  const held = library.find('bye').samples
  library.find('hello')
  library.find('song')
  library.read('song', wavOf(song))
  library.wanted.length = 0
  expect(['hello', 'song', 'bye'].map((path) => library.find(path).samples?.length)).toEqual([
    hello.length,
    song.length,
    undefined,
  ])
  expect(library.wanted).toEqual(['bye'])
  expect(held).toEqual(bye)
})

test('one which comes twice counts once', () => {
  const library = new SoundLibrary(hello.byteLength + bye.byteLength)
  for (let times = 0; times < 5; times++) library.read('hello', wavOf(hello))
  library.read('bye', wavOf(bye))
  expect(library.find('hello').samples).toEqual(hello)
})
