/**
 * Whether a number as dialled in a country reaches the police, the fire brigade or an ambulance.
 *
 * 112 and 911 do everywhere: that is what phones brought from anywhere dial (3GPP TS 22.101).
 */
export function isEmergency(digits: string, country: string): boolean {
  if (digits === '112' || digits === '911') return true
  const those = plans.get(country)
  return (
    those !== undefined &&
    (those.has(digits) || (digits.length === 4 && those.has(`${digits.slice(0, 2)}xx`)))
  )
}

/** Countries and their numbers besides 112 and 911, out of libphonenumber's ShortNumberMetadata; x is any digit. */
const table = `
  CC CX: 000; AU: 000 106; PG: 000 110 111; UZ: 001 002 003 01 02 03 050;
  LT: 01 011 02 022 03 033 101 102 103; TM: 01 02 03; RU: 01 02 03 101 102 103; LV: 01 02 03 110 113;
  GE: 011 022 033 111 113 122; SL: 019 999; MX: 060 065 066 068 080; ES: 085 088; AW: 100; BE: 100 101;
  IL PS: 100 101 102; NP: 100 101 102 103; MN: 100 101 102 103 105; IN: 100 101 102 108 1298 2611;
  BD: 100 101 102 199 999; AR: 100 101 107; AF: 100 102 119; IQ: 100 104 115 122; GR: 100 166 199;
  EC: 101 102; AM AZ BY KG KZ TJ UA: 101 102 103; MV: 102 118 119; CU: 104 105 106; HU: 104 105 107;
  PE: 105 116 117; DE EE: 110; NR: 110 111; TZ: 110 111 114 115 999; CI: 110 111 170 180;
  BT NO SJ SY: 110 113; ID: 110 113 118 119; IR: 110 115 125; AD: 110 116 118; LK: 110 116 118 119;
  BO: 110 118 119; JM JP TW: 110 119; CN: 110 119 120; GT: 110 120 123; TR: 110 155; NZ RW: 111;
  PK: 1122 115 15 16; LU SI: 113; VN: 113 114 115; ER: 113 114 116; CD: 113 114 118 177 188; AO: 113 115;
  IT SM VA: 113 115 118; BI: 113 117; GW: 113 117 118; CM: 113 117 13 17; DK FO: 114;
  MU: 114 115 995 999; BJ: 114 116 117 118; HT: 114 118; KE: 114 999; PT SR TL: 115; LS: 115 117;
  NI: 115 118 120 128; GM: 116 117 118 16 17 18; PH: 117; CG: 117 118; KH: 117 118 119 666;
  CF: 117 118 1220; CH LI: 117 118 144; MG: 117 118 17 18; TG: 117 118 171 172 177; MZ: 117 119 197 198;
  NE: 118 15 17 18; KR: 119; CO: 119 123 132 156; KP: 119 819; BA ME: 122 123 124; EG: 122 123 180;
  AT: 122 133 144; AL: 127 128 129; PY UY: 128; BR: 128 190 192 193; CV: 130 131 132; CL: 131 132 133;
  GA: 13xx 1730 18; DZ: 14 17; LB: 140 175 999; OM: 1444 9999; YT: 15; NC: 15 16 17 18;
  FR GF GP MC MF ML MQ PF PM RE WF: 15 17 18; EH MA: 15 177 19;
  CZ: 150 151 152 153 154 155 156 157 158 159; SK: 150 155 158; BG: 150 160 166; TH: 1669 191 199;
  BF DJ KM MR SN TD: 17 18; VE: 171; BL: 18; LY: 190 191 193; LA: 190 191 195; TN: 190 197 198;
  GI: 190 199; GH: 191 192 193 999; JO: 191 192 197; YE: 191 194 195 199; MK XK: 192 193 194;
  KI: 192 193 194 195 992 993 994; HR: 192 193 194 93 94; CY HN MM NG: 199; MW: 199 997 998 999;
  BH: 199 999; BB: 211 311 511; DM KN: 333 999; LR: 355; SO: 555 888 999; BZ: 90 990; MD: 901 902 903;
  ET: 91 92 93 939 991 997; GY: 912 913; SV: 913; FJ: 917; BS SX: 919; RS: 92 93 94; TO: 922 933 999;
  NF: 955 977; TT: 990 999; BN: 991 993 995; ZM: 991 993 999; HK: 992 999; ZW: 993 994 995 999;
  SG: 993 995 999; WS: 994 995 996 999; CK: 996 998 999; AE BW PL: 997 998 999; SA: 997 999;
  AC AG FK GB GG IE IM JE LC MO MS MY NU QA SB SC SD SH SS SZ TC UG VC VG: 999`

const plans = new Map(
  table.split(';').flatMap((line) => {
    const [countries = '', digits = ''] = line.split(':').map((part) => part.trim().split(' '))
    return [...countries].map((country) => [country, new Set(digits)] as const)
  }),
)
