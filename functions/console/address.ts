/** Where in the console one is. It stands in the fragment of the address: `#/calls?direction=incoming`, `#/calls/{id}`. */
export interface ConsolePlace {
  readonly screen: string
  /** What is looked at; empty: a list. */
  readonly id: string
  readonly query: URLSearchParams
}

/** The place which a fragment names. One which cannot be read names the first. */
export function placeIn(hash: string): ConsolePlace {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [screen = '', id = ''] = path.split('/')
  return { screen, id: decoded(id), query: new URLSearchParams(query) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** The address of a place. Parameters which are empty are left out. */
export function addressOf(screen: string, id = '', query: Readonly<Record<string, string>> = {}): string {
  const told = Object.entries(query).filter(([, value]) => value !== '')
  const asked = told.length === 0 ? '' : `?${new URLSearchParams(told)}`
  return `#/${screen}${id === '' ? '' : `/${encodeURIComponent(id)}`}${asked}`
}
