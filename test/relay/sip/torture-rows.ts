/**
 * What parser and screen make of a message: the method or status that was read, or the status of the
 * refusal; 'silence' where nothing may be sent.
 */
export type Verdict = 'passes' | 'silence' | number

type Row = readonly [file: string, verdict: Verdict, why: string]

/** RFC 4475, in its order. */
export const rows4475: readonly Row[] = [
  ['wsinv', 'passes', 'white space and folds wherever the grammar allows them'],
  ['intmeth', 501, 'well-formed to the last odd character, but no method we know'],
  ['esc01', 'passes', 'escapes are read where they stand for something'],
  ['escnull', 'passes', 'an escaped NUL ends no string'],
  ['esc02', 501, 'a percent sign in a method or name is just that'],
  ['lwsdisp', 'passes', 'no space is needed before the bracket'],
  ['longreq', 'passes', 'long, but within our limits: 34 hops, the longest header below 8 KiB'],
  ['dblreq', 'passes', 'what follows the body in a datagram is not read'],
  ['semiuri', 'passes', 'a semicolon may stand in the user part'],
  ['transports', 'passes', 'unknown transports in Via do no harm'],
  ['mpart01', 405, 'well-formed, but MESSAGE is refused'],
  ['unreason', 'passes', 'a reason phrase is any text'],
  ['noreason', 'passes', 'a reason phrase may be empty'],
  ['badinv01', 400, 'Via with empty parameters'],
  ['clerr', 400, 'the body is shorter than promised'],
  ['ncl', 400, 'negative Content-Length'],
  ['scalar02', 400, 'CSeq above 2^31'],
  ['scalarlg', 'silence', 'a response is never answered'],
  ['quotbal', 400, 'a quote which never closes'],
  ['ltgtruri', 400, 'brackets around the Request-URI'],
  ['lwsruri', 400, 'white space in the Request-URI'],
  ['lwsstart', 400, 'two spaces in the start line'],
  ['trws', 400, 'spaces after the version'],
  ['escruri', 400, 'headers in the Request-URI'],
  ['baddate', 'passes', 'nobody here needs the Date'],
  ['regbadct', 'passes', 'its Contact is read only after the phone has proved itself'],
  ['badaspec', 400, 'spaces inside the brackets'],
  ['baddn', 400, 'a display name with a comma needs quotes'],
  ['badvers', 505, 'another version'],
  ['mismatch01', 400, 'CSeq names another method'],
  ['mismatch02', 501, 'an unknown method, whatever CSeq says'],
  ['bigcode', 'silence', 'a response is never answered'],
  ['badbranch', 400, 'a branch which is nothing but the cookie'],
  ['insuf', 400, 'no To, no From, no Call-ID; Via is enough to say so'],
  ['unkscm', 416, 'an unknown scheme'],
  ['novelsc', 416, 'a scheme we do not serve'],
  ['unksm2', 400, 'an address-of-record needs a SIP URI'],
  ['bext01', 420, 'requires what nobody supports'],
  ['invut', 415, 'an INVITE whose body is no session description'],
  ['regaut01', 'passes', 'to be challenged again: its credentials are not for us to read here'],
  ['multi01', 400, 'twice what may stand there once'],
  ['mcl01', 400, 'two lengths'],
  ['bcast', 'passes', 'a response to nobody here: no transaction will want it'],
  ['zeromf', 'passes', 'hops matter to those who forward'],
  ['cparam01', 'passes', 'well-formed REGISTER'],
  ['cparam02', 'passes', 'well-formed REGISTER'],
  ['regescrt', 'passes', 'well-formed REGISTER'],
  ['sdp01', 406, 'a caller who does not accept SDP cannot be answered'],
  ['inv2543', 'passes', 'legal in RFC 2543: no From tag, no branch, no Contact'],
  ['test', 'silence', 'in the archive only; has neither a version nor a Via'],
]

/** RFC 5118, in its order. */
export const rows5118: readonly Row[] = [
  ['ipv6-good', 'passes', 'brackets around IPv6'],
  ['ipv6-bad', 400, 'no brackets around IPv6'],
  ['port-ambiguous', 'passes', 'the brackets say that 5070 belongs to the address'],
  ['port-unambiguous', 'passes', 'a port outside the brackets'],
  ['via-received-param-with-delim', 'passes', 'received may have brackets'],
  ['via-received-param-no-delim', 'passes', 'received should have none'],
  ['ipv6-in-sdp', 'passes', 'SDP is for others to read'],
  ['mult-ip-in-header', 'passes', 'both families in Via'],
  ['mult-ip-in-sdp', 'passes', 'both families in SDP'],
  ['ipv4-mapped-ipv6', 'passes', 'IPv4 mapped into IPv6'],
  ['ipv6-bug-abnf-3-colons', 'passes', 'the ABNF of RFC 3261 breeds a third colon; it must be borne'],
  ['ipv6-correct-abnf-2-colons', 'passes', 'as it ought to be'],
]
