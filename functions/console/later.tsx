import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** A screen whose script is fetched when one goes there first. */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined
  return function Later(props: Props) {
    const [there, setThere] = useState({ loaded, failed: false })
    useEffect(() => {
      if (loaded) return
      load().then(
        (one) => {
          loaded = one
          setThere({ loaded, failed: false })
        },
        () => setThere({ loaded, failed: true }),
      )
    }, [])
    const Screen = there.loaded
    if (Screen) return <Screen {...props} />
    if (!there.failed) return <p class="waiting">Fetching this screen …</p>
    return (
      <p class="notice bad" role="alert">
        This screen could not be fetched: the edge may have been renewed.{' '}
        <button type="button" onClick={() => location.reload()}>
          Reload the page
        </button>
      </p>
    )
  }
}
