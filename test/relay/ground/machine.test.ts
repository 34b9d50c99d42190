import { describe, expect, test } from 'vitest'
import { type Machine, type Table, turn } from '../../../relay/ground/machine.ts'

describe('a machine drawn as a table', () => {
  test('goes where the cell says and hands back what it orders', () => {
    const door = shut()
    expect(turn(table, door, 'push', 'Alice')).toEqual(['greet Alice'])
    expect(door.state).toBe('open')
  })

  test('stays where it is when the cell names no state', () => {
    const door = shut()
    expect(turn(table, door, 'knock', undefined)).toEqual(['who is there?'])
    expect(door.state).toBe('shut')
  })

  test('stays and does nothing where there is no cell', () => {
    const door = shut()
    turn(table, door, 'push', 'Bob')
    expect(turn(table, door, 'knock', undefined)).toEqual([])
    expect(door.state).toBe('open')
  })

  test('remembers what a cell wrote into its memory', () => {
    const door = shut()
    turn(table, door, 'push', 'Alice')
    turn(table, door, 'push', 'Bob')
    expect(door.memory.guests).toEqual(['Alice', 'Bob'])
  })
})

type State = 'shut' | 'open'
type Events = { push: string; knock: undefined }
interface Memory {
  guests: string[]
}

const table: Table<State, Events, Memory, string> = {
  shut: {
    push: (who, memory) => ({ to: 'open', effects: greet(who, memory) }),
    knock: () => ({ effects: ['who is there?'] }),
  },
  open: {
    push: (who, memory) => ({ effects: greet(who, memory) }),
  },
}

function greet(who: string, { guests }: Memory): string[] {
  guests.push(who)
  return [`greet ${who}`]
}

function shut(): Machine<State, Memory> {
  return { state: 'shut', memory: { guests: [] } }
}
