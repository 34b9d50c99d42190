import type { Differing } from './difference.ts'

/** Values which differ, before and after; `of` says whose they are. */
export function DifferenceList({ differing, of }: { differing: readonly Differing[]; of: string }) {
  if (differing.length === 0) return null
  return (
    <ul class="plain differing" aria-label={`What differs in ${of}`}>
      {differing.map(({ at, was, is }) => (
        <li key={at}>
          <code>{at || 'all of it'}</code>{' '}
          {was === '' ? <span class="quiet">was not there</span> : <del>{was}</del>}{' '}
          <span aria-hidden="true">→</span>
          <span class="unseen">became</span>{' '}
          {is === '' ? <span class="quiet">is not there</span> : <ins>{is}</ins>}
        </li>
      ))}
    </ul>
  )
}
