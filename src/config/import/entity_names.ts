// Kinds of personal data by the names that Presidio and others give them: https://microsoft.github.io/presidio/supported_entities

const NAMES: Readonly<Record<string, string>> = {
  ...{ CREDIT_CARD: "CREDIT_CARD", CRYPTO: "CRYPTO_WALLET", EMAIL_ADDRESS: "EMAIL", IBAN_CODE: "IBAN" },
  ...{ IP_ADDRESS: "IP_ADDRESS", LOCATION: "LOCATION", PERSON: "PERSON", PHONE_NUMBER: "PHONE" },
  ...{ ORGANIZATION: "ORGANIZATION", MEDICAL_LICENSE: "MEDICAL_RECORD", US_BANK_NUMBER: "BANK_ACCOUNT" },
  ...{ US_DRIVER_LICENSE: "DRIVING_LICENCE", US_ITIN: "US_ITIN", US_PASSPORT: "PASSPORT", US_SSN: "US_SSN" },
  ...{ UK_NHS: "UK_NHS", UK_NINO: "UK_NINO", ES_NIF: "ES_DNI", ES_NIE: "ES_NIE", IN_PAN: "IN_PAN" },
  ...{ IT_FISCAL_CODE: "IT_CODICE_FISCALE", IN_AADHAAR: "IN_AADHAAR", MAC_ADDRESS: "MAC_ADDRESS" },
  ...{ EMAIL: "EMAIL", PHONE: "PHONE", SSN: "US_SSN", ADDRESS: "STREET_ADDRESS", API_KEY: "API_KEY" },
};

/** A kind's name here; null where there is none of it. */
export function entityOf(name: string): string | null {
  const key = name.trim().toUpperCase();
  return Object.hasOwn(NAMES, key) ? NAMES[key]! : null;
}
