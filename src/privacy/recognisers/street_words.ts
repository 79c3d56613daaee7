// The words that streets, flats and post boxes are named with, in the languages that addresses are looked for in.

const words = (list: string) => new Set(list.split(" "));

/** What names of streets end with: "24 Clarke Avenue". */
export const LAST_WORDS = words(
  "street st avenue ave av road rd lane ln drive dr court ct boulevard blvd way place pl terrace ter square sq highway hwy parkway pkwy " +
    "circle cir trail trl close crescent cres grove gardens mews row walk loop turnpike alley plaza path hill heights ridge pike rise view quay",
);
/** Those of them that are also words of other use: they need a capital, or context. */
export const WEAK_LAST_WORDS = words(
  "way place court close drive row walk path hill rise view st av ter square heights",
);
/** What names of streets begin with behind a number: "12 rue de la Paix". */
export const FIRST_WORDS = words(
  "rue avenue boulevard bd place chemin allée impasse quai cours route passage",
);
/** What names of streets begin with before a number: "Via Roma 131". */
export const FIRST_WITH_NUMBER = words(
  "rue avenue boulevard chemin allée impasse via viale piazza piazzale piazzetta corso vicolo largo strada calle avenida avda av ctra carretera pza carrera paseo " +
    "plaza camino ronda rúa rua travessa praça estrada alameda ul ulica aleja ulitsa улица",
);
/** Those of them that are other words in small letters: "via email 5". */
export const WEAK_FIRST_WORDS = words("via largo corso camino strada plaza");
/** How words for streets end that are one with its name: "Hauptstraße 5". */
export const ENDINGS =
  /(?:straße|strasse|str|weg|platz|allee|gasse|damm|ufer|straat|laan|gracht|plein|dijk|katu|kuja|tie|gata|gatan|gate|gade|vej|vägen|vegen|veien|götu|stræti|straeti|vegur)$/;
/** Endings that are words of their own: "Rákóczi út 13". */
export const LAST_WITH_NUMBER = words("út utca tér strasse straße gate tee ulica");
/** Words for post boxes. */
export const BOXES = words("box postfach apartado casilla postbus boîte bp");
/** What may stand before the number in small letters. */
export const LOWER_BEFORE = new Set([...BOXES, ...LAST_WITH_NUMBER]);
/** Words for flats and rooms. */
export const UNITS = words(
  "apt apartment suite ste unit floor fl flat room rm bldg building box wohnung piso appartement appt interno int etage",
);
/** What may stand within a street's name in lower case. */
export const LINKS = words(
  "de la le les du des da do dos das del della dei delle di d l von van der den am an im in zu zur the of bis ter y e",
);

/** What is numbered and is no street. */
export const COUNTED = words(
  "part chapter section page figure table step level version windows line item day week phase type gate track episode season volume grade " +
    "class group team article rule case issue no nr number monday tuesday wednesday thursday friday saturday sunday",
);

/** What stands between words that speak of an address, and the address. */
export const ASKING = words("at on to is an auf en à address adresse dirección indirizzo");
