// The kinds of personal data and secrets that can be named in a configuration without being defined there.

/** What is recognised by its form, its checksum or its context. */
export const ENTITIES: readonly string[] = [
  ...[
    "API_KEY",
    "BANK_ACCOUNT",
    "BR_CNPJ",
    "BR_CPF",
    "CA_SIN",
    "CN_RESIDENT_ID",
    "CREDIT_CARD",
    "CRYPTO_WALLET",
  ],
  ...[
    "DATE_OF_BIRTH",
    "DE_TAX_ID",
    "DRIVING_LICENCE",
    "EMAIL",
    "ES_DNI",
    "ES_NIE",
    "FR_NIR",
    "IBAN",
    "IN_AADHAAR",
  ],
  ...[
    "IN_PAN",
    "IP_ADDRESS",
    "IT_CODICE_FISCALE",
    "JWT",
    "MAC_ADDRESS",
    "MEDICAL_RECORD",
    "PASSPORT",
    "PHONE",
  ],
  ...["PRIVATE_KEY", "SECRET", "STREET_ADDRESS", "UK_NHS", "UK_NINO", "URL_CREDENTIALS", "US_ITIN", "US_SSN"],
];

/** What a model finds, in the inference process; looked for only where a configuration names it. */
export const NAME_ENTITIES: readonly string[] = ["PERSON", "LOCATION", "ORGANIZATION"];

/** Checksums that values of a kind of one's own may have. */
export const CHECKSUM_NAMES = ["luhn", "mod97", "iban", "verhoeff", "mod11_10", "aba"] as const;
/** One of them. */
export type ChecksumName = (typeof CHECKSUM_NAMES)[number];
