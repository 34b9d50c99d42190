/** Ids of the examples: each thing has the same in all of them, so that they can be read (and carried out) as one story. */
export const exampleIds = {
  customer: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1001',
  newCustomer: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1013',
  provider: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1002',
  route: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1003',
  extension: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1004',
  trunk: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1005',
  number: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1006',
  flow: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1007',
  accesskey: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1008',
  call: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1009',
  event: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1010',
  registration: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1011',
  webhook: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1016',
  delivery: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1015',
  test: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1012',
  change: '3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1014',
} as const
