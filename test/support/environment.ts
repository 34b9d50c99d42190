/*
 * What a process of ours under test takes along of the caller's environment: where programs, homes and temporary files
 * are, how the terminal speaks, and Node's own settings. Nothing of the product's: an exported PUBLIC_IP would send
 * every ACK astray, an exported DATABASE_URL would fill somebody's database.
 */
const taken =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_\w+|TERM|NO_COLOR|CI|NODE_\w+)$/

/** The environment of a child: the caller's where it is none of the product's settings, and what is named. */
export function environmentOf(
  named: Readonly<Record<string, string>>,
  caller: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const kept = Object.entries(caller).flatMap(([name, value]) =>
    value !== undefined && taken.test(name) ? [[name, value] as const] : [],
  )
  return { ...Object.fromEntries(kept), ...named }
}
