import { Component, type ComponentChildren } from 'preact'

/** Shows a sentence in the place of a screen which cannot show what it was given. */
export class Whole extends Component<{ children: ComponentChildren }, { error?: Error }> {
  static override getDerivedStateFromError(error: Error): { error: Error } {
    return { error }
  }

  override render() {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return (
      <p class="notice bad" role="alert">
        This cannot be shown: {error.message}. The API has it still; reload to try again.
      </p>
    )
  }
}
