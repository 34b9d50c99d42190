import { bytes, invite, register, requestText, responseText, sdp } from '../../support/wire.ts'
import type { Verdict } from './torture-rows.ts'

/** A message of a kind which RFC 4475 tells of in a section, in our own words. */
type Kind = readonly [section: string, kind: string, message: string | Uint8Array, verdict: Verdict]

const options = requestText('OPTIONS')
const startLine = (line: string, message = options) => message.replace(/^[^\r]*/, line)
const octets = (text: string) => Uint8Array.from(text, (message) => message.charCodeAt(0))
const boundary = [
  '--cut',
  'Content-Type: application/sdp',
  '',
  sdp,
  '--cut',
  'Content-Type: text/plain',
  '',
  'hi',
]
const parts = [...boundary, '--cut--', ''].join('\r\n')

/** Every section of RFC 4475 with a message, in its order: at least one of each kind. */
export const kinds4475: readonly Kind[] = [
  [
    '3.1.1.1',
    'folds, tabs, short names and empty parts wherever the grammar has room for them',
    [
      'INVITE sip:frank@there.example;lr SIP/2.0',
      'V  :SIP  / 2.0\r\n\t/ UDP\r\n here.example:5070 ; branch = z9hG4bKsix',
      'mAx-fOrWaRdS: 0041',
      't :\r\n sip:frank@there.example ; tag\t= 8',
      'f:"Grace \\\\\\" H" <sip:grace@here.example>\r\n ;tag=7',
      'i: once@here.example',
      'cseq:\t0012\r\n\tINVITE',
      'X-Unheard-Of : one\r\n two\r\n\tthree',
      'M: "G \\\\ H"<sip:grace@192.0.2.10> ; q = 0.5',
      'C: application/sdp',
      `L: ${sdp.length}`,
      '',
      sdp,
    ].join('\r\n'),
    'passes',
  ],
  [
    '3.1.1.2',
    'every letter a token, a user and a quoted text may have, in a method nobody knows',
    octets(
      requestText("kn~o'w*n_`b.y!n%o+1-", {
        uri: "sip:h-i_t.h!e~r*e'(&=+$,;?/):p+a&s=s$w,d@here.example",
        to: '"tab\t bell\x07 high\xc3\xa9 quote\\"" <sip:x@here.example>',
        from: "<sip:y@here.example>;tag=-.!%*_+`'~",
      }),
    ),
    501,
  ],
  [
    '3.1.1.3',
    'escapes where they mean a letter',
    invite({ uri: 'sip:%62o%62%40home@there.example', to: '<sip:%62ob@there.example;p%61r=%41>' }),
    'passes',
  ],
  [
    '3.1.1.4',
    'an escaped NUL in a user',
    register({
      to: '<sip:nul%00@example.com>',
      headers: { Contact: ['<sip:%00@192.0.2.10>', '<sip:%00%00@192.0.2.10>'] },
    }),
    'passes',
  ],
  [
    '3.1.1.5',
    'a percent sign which escapes nothing, in a method',
    requestText('RE%47ISTER', { headers: { 'c%6Fntact': '<sip:x@here.example>' } }),
    501,
  ],
  [
    '3.1.1.6',
    'no space between a name and its bracket',
    requestText('OPTIONS', { from: 'Grace<sip:grace@here.example>;tag=1' }),
    'passes',
  ],
  [
    '3.1.1.7',
    'long values: 30 hops, a name of 900 letters, a tag of 700',
    invite({
      from: `"${'long '.repeat(180)}"<sip:${'g'.repeat(300)}@here.example>;tag=${'7'.repeat(700)}`,
      headers: {
        Via: Array.from(
          { length: 30 },
          (_, n) => `SIP/2.0/TCP hop${n}.example;branch=z9hG4bK${'b'.repeat(60)}${n}`,
        ),
        'Call-ID': `${'i'.repeat(400)}@here.example`,
        [`X-${'Unheard'.repeat(40)}`]: 'v'.repeat(1_000),
      },
    }),
    'passes',
  ],
  ['3.1.1.8', 'another message behind the end of the first', `${register()}${invite()}`, 'passes'],
  [
    '3.1.1.9',
    'semicolons in the user',
    requestText('OPTIONS', { uri: 'sip:bob;ext=12;a=b%40c@there.example' }),
    'passes',
  ],
  [
    '3.1.1.10',
    'Vias over every transport, two of which nobody knows',
    requestText('OPTIONS', {
      headers: {
        Via: ['UDP', 'SCTP', 'TLS', 'PIGEON', 'TCP'].map(
          (over, n) => `SIP/2.0/${over} h${n}.example;branch=z9hG4bKt${n}`,
        ),
      },
    }),
    'passes',
  ],
  [
    '3.1.1.11',
    'a body of several parts, to a method we refuse',
    requestText('MESSAGE', { body: parts, headers: { 'Content-Type': 'multipart/mixed;boundary=cut' } }),
    405,
  ],
  [
    '3.1.1.11',
    'the same in an INVITE, which has its description in it',
    invite({ body: parts, headers: { 'Content-Type': 'multipart/mixed;boundary="cut"' } }),
    'passes',
  ],
  [
    '3.1.1.12',
    'a reason phrase in another script, with signs',
    bytes(responseText(200).replace('Whatever', '= 2**3 * 5² Хорошо, "да"')),
    'passes',
  ],
  ['3.1.1.13', 'no reason phrase', responseText(404).replace(' Whatever', ' '), 'passes'],

  [
    '3.1.2.1',
    'a Via with nothing between its semicolons and commas',
    requestText('OPTIONS', { headers: { Via: 'SIP/2.0/UDP 192.0.2.10;;,;,,' } }),
    400,
  ],
  [
    '3.1.2.2',
    'a length of more than there is',
    requestText('OPTIONS', { body: 'short', headers: { 'Content-Length': '5000' } }),
    400,
  ],
  ['3.1.2.3', 'a length below nothing', requestText('OPTIONS', { headers: { 'Content-Length': '-1' } }), 400],
  ['3.1.2.4', 'a CSeq of more than 31 bits', register({ headers: { CSeq: '4294967296 REGISTER' } }), 400],
  [
    '3.1.2.4',
    'a Max-Forwards of more than 255, which is no reason to refuse what it stands in',
    register({ headers: { 'Max-Forwards': '100000' } }),
    'passes',
  ],
  [
    '3.1.2.5',
    'the same in a response, which is not answered',
    responseText(503, { headers: { CSeq: '99999999999 INVITE', 'Retry-After': '9'.repeat(40) } }),
    'silence',
  ],
  [
    '3.1.2.6',
    'a quote which is not closed',
    requestText('OPTIONS', { to: '"Bob <sip:bob@there.example>' }),
    400,
  ],
  [
    '3.1.2.7',
    'brackets around the Request-URI',
    requestText('OPTIONS', { uri: '<sip:bob@there.example>' }),
    400,
  ],
  [
    '3.1.2.8',
    'a space inside the Request-URI',
    requestText('OPTIONS', { uri: 'sip:bob@there.example; lr' }),
    400,
  ],
  ['3.1.2.9', 'two spaces in the start line', startLine('OPTIONS  sip:bob@there.example  SIP/2.0'), 400],
  ['3.1.2.10', 'spaces behind the version', startLine('OPTIONS sip:bob@there.example SIP/2.0  '), 400],
  [
    '3.1.2.11',
    'headers in the Request-URI',
    requestText('OPTIONS', { uri: 'sip:bob@there.example?Route=%3Csip:away.example%3E' }),
    400,
  ],
  [
    '3.1.2.12',
    'a Date in a zone which is none',
    requestText('OPTIONS', { headers: { Date: 'Sat, 28 Nov 2026 12:00:00 CET' } }),
    'passes',
  ],
  [
    '3.1.2.13',
    'a Contact with a header, without brackets',
    register({ headers: { Contact: 'sip:a@192.0.2.10?Subject=hello' } }),
    'passes',
  ],
  [
    '3.1.2.14',
    'spaces inside the brackets',
    requestText('OPTIONS', { to: '< sip:bob@there.example >' }),
    400,
  ],
  [
    '3.1.2.15',
    'a name which needs quotes and has none',
    requestText('OPTIONS', { from: 'Hopper, Grace <sip:grace@here.example>;tag=1' }),
    400,
  ],
  ['3.1.2.16', 'a version to come', startLine('OPTIONS sip:bob@there.example SIP/9.1'), 505],
  [
    '3.1.2.17',
    'a CSeq which names another method',
    requestText('OPTIONS', { headers: { CSeq: '5 REGISTER' } }),
    400,
  ],
  [
    '3.1.2.18',
    'the same with a method nobody knows',
    requestText('SINGALONG', { headers: { CSeq: '5 OPTIONS' } }),
    501,
  ],
  ['3.1.2.19', 'a status of ten digits', responseText(200).replace(' 200 ', ' 4294967301 '), 'silence'],

  [
    '3.2.1',
    'a branch which is the cookie and nothing else',
    requestText('OPTIONS', { headers: { Via: 'SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK' } }),
    400,
  ],

  [
    '3.3.1',
    'no To, no From, no Call-ID',
    requestText('INVITE', { headers: { To: null, From: null, 'Call-ID': null } }),
    400,
  ],
  [
    '3.3.2',
    'a Request-URI of a scheme nobody knows',
    requestText('OPTIONS', { uri: 'carrier-pigeon:loft;12' }),
    416,
  ],
  [
    '3.3.3',
    'a Request-URI of a scheme which is known, and not for calls',
    requestText('OPTIONS', { uri: 'ldap://there.example/c=DE' }),
    416,
  ],
  [
    '3.3.4',
    'unknown schemes in To and Contact of a REGISTER',
    register({ to: '<pigeon:loft>', headers: { Contact: '<name:any>' } }),
    400,
  ],
  [
    '3.3.5',
    'what nobody supports is required',
    requestText('OPTIONS', {
      headers: { Require: 'mind-reading, telekinesis', 'Proxy-Require': 'mind-reading' },
    }),
    420,
  ],
  [
    '3.3.6',
    'an INVITE whose body is no description',
    invite({ body: 'a song', headers: { 'Content-Type': 'application/x-song' } }),
    415,
  ],
  [
    '3.3.7',
    'credentials of a scheme nobody knows',
    register({ headers: { Authorization: 'Handshake secret="left, right"' } }),
    'passes',
  ],
  [
    '3.3.8',
    'twice what there is to be once',
    requestText('INVITE', {
      headers: {
        'Call-ID': ['one@here', 'two@here'],
        From: ['<sip:a@here.example>;tag=1', '<sip:b@here.example>;tag=2'],
        CSeq: ['5 INVITE', '6 INVITE'],
      },
    }),
    400,
  ],
  [
    '3.3.9',
    'two lengths',
    requestText('OPTIONS', { body: 'twelve', headers: { 'Content-Length': ['6', '3'] } }),
    400,
  ],
  [
    '3.3.10',
    'a response which says that it came from everybody',
    responseText(200, {
      headers: {
        Via: ['SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKus', 'SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKall'],
      },
    }),
    'passes',
  ],
  ['3.3.11', 'no hop left', requestText('OPTIONS', { headers: { 'Max-Forwards': '0' } }), 'passes'],
  [
    '3.3.12',
    'a REGISTER with a parameter of the Contact',
    register({ headers: { Contact: 'sip:a@192.0.2.10;unheard-of' } }),
    'passes',
  ],
  [
    '3.3.13',
    'a REGISTER with a parameter of the URI',
    register({ headers: { Contact: '<sip:a@192.0.2.10;unheard-of>' } }),
    'passes',
  ],
  [
    '3.3.14',
    'a REGISTER with a header in the Contact’s URI',
    register({ headers: { Contact: '<sip:a@192.0.2.10?Route=%3Csip:away.example%3E>' } }),
    'passes',
  ],
  [
    '3.3.15',
    'an INVITE whose answer may not be a description',
    invite({ headers: { Accept: 'text/poem' } }),
    406,
  ],

  [
    '3.4.1',
    'an INVITE as RFC 2543 had it: no tag, no branch, no Contact',
    requestText('INVITE', {
      from: '<sip:grace@here.example>',
      body: sdp,
      headers: { Via: 'SIP/2.0/UDP 192.0.2.10', 'Content-Type': 'application/sdp', 'Max-Forwards': null },
    }),
    'passes',
  ],
]
