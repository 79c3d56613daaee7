// Makes sentences with names: templates whose gaps are filled from the lists.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Example, isHeldOut, type Label } from "./examples.ts";
import type { Locale, Names } from "./names.ts";
import { pick } from "./random.ts";

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);
const WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" ");
const TITLES = [
  "Mr.",
  "Mrs.",
  "Ms.",
  "Dr.",
  "Prof.",
  "Mr",
  "Mrs",
  "Ms",
  "Dr",
  "Miss",
  "Sir",
  "Professor",
  "Senator",
  "President",
  "Judge",
];
const JOBS =
  "actor,teacher,nurse,lawyer,engineer,painter,singer,footballer,politician,writer,journalist,professor,director,manager,accountant,consultant,chemist,poet,architect,composer,Chief Executive Officer,CEO,CTO,Senior Software Engineer,Marketing Manager,Head of Sales,spokesman,analyst,chairman,electrician,plumber,data scientist".split(
    ",",
  );
const PRODUCTS =
  "iPhone 15,laptop,washing machine,Galaxy S24,toaster,ThinkPad X1,sofa,Model 3,headphones,PlayStation 5,coffee machine,Air Max".split(
    ",",
  );
const WORKS =
  "The Long Winter,Silent Rivers,A Night to Remember,Love and War,The Last Train,Broken Glass,Into the Blue,Dancing in the Dark,The Glass House,Summer Days,Hearts on Fire,The Art of Falling,Gravity,Midnight Sun,No Way Home,The Red Door,Inferno,Dust".split(
    ",",
  );
/** What has a name of its own and is neither a person, a place nor an organization. */
const THINGS =
  "Kubernetes,Docker,Docker Swarm,React,Vue,Angular,Svelte,Next.js,Node,Deno,Python,Java,JavaScript,TypeScript,Kotlin,Swift,Rust,Go,Ruby,Rails,Django,Flask,Spring Boot,Laravel,Perl,PHP,Haskell,Scala,Erlang,Elixir,Postgres,PostgreSQL,MySQL,SQLite,MongoDB,Redis,Kafka,Spark,Hadoop,Cassandra,Elasticsearch,GraphQL,REST,gRPC,TCP,UDP,HTTP,HTTPS,TLS,SSH,DNS,DHCP,SMTP,IMAP,FTP,VPN,LAN,WAN,IPv6,JSON,XML,YAML,CSV,HTML,CSS,PDF,SQL,API,SDK,CLI,GUI,URL,UUID,JWT,OAuth,SAML,LDAP,AES,RSA,SHA-256,CPU,GPU,RAM,SSD,USB,HDMI,Linux,Ubuntu,Debian,Fedora,Windows,Android,iOS,macOS,Unix,Bash,Zsh,Vim,Emacs,VS Code,Git,Jenkins,Terraform,Ansible,Helm,Nginx,Apache,Maven,Gradle,npm,Bun,Webpack,Vite,Jest,Selenium,Excel,Word,PowerPoint,Outlook,Photoshop,Figma,Jira,Confluence,Alexa,Siri,ChatGPT,GPT-4,Llama,Claude,Gemini,Mistral,BERT,PyTorch,TensorFlow,NumPy,Pandas,Bitcoin,Ethereum,Bluetooth,Wi-Fi,GPS,NFC,LED,ATM,PIN,VAT,GDP,ROI,KPI,CEO,CFO,HR,PR,IT,AI,ML,LLM,RAG,NLP,OCR,FAQ,TODO,README,OK,ASAP,FYI,DIY,DNA,RNA,HIV,MRI,CT,ECG,ADHD,BMI,Covid,Tylenol,Aspirin,Ibuprofen,Insulin,Latin,English,Spanish,Mandarin,Buddhism,Islam,Christianity,Jazz,Monday,Easter,Ramadan,Diwali,Pythagorean,Bayesian,Gaussian,Fourier,Newtonian,Boolean,Fibonacci,Euclidean,Turing,Markov,Kanban,Scrum,Agile,Harry Potter,Star Wars,Pokémon,Minecraft,Tetris,Lego,Barbie,Monopoly,Roman Empire,Middle Ages,Cold War,Renaissance".split(
    ",",
  );
const GERMAN_NOUNS =
  "Hund Katze Tisch Stuhl Haus Auto Straße Garten Kind Frau Mann Vater Mutter Bruder Schwester Freund Arzt Lehrer Schule Arbeit Firma Büro Vertrag Rechnung Bestellung Lieferung Zahlung Konto Karte Geld Preis Angebot Kunde Anfrage Antwort Frage Problem Lösung Termin Datum Uhrzeit Woche Monat Jahr Morgen Abend Wetter Sonne Regen Winter Sommer Buch Seite Text Satz Wort Sprache Brief Datei Ordner Rechner Bildschirm Drucker Netz Fehler Programm Version Daten Schlüssel Kennwort Zugang Versicherung Steuer Miete Wohnung Zimmer Küche Bad Fenster Tür Essen Brot Wasser Kaffee Urlaub Reise Zug Flug Bahnhof Stadt Land Fluss Berg Meer Wald Baum Blume Tier Vogel Krankheit Schmerz Termin Gesundheit Unternehmen Umsatz Gewinn Verlust Markt Bank Leitung Abteilung Mitarbeiter Kollege Chef Gespräch Besprechung Bericht Ergebnis Ziel Plan Idee Geschichte Gedicht Liebe Leben Tod Welt Mensch".split(
    " ",
  );
const EVENTS =
  "World Cup,Olympic Games,Spring Conference,World War II,Annual Meeting,Cannes Film Festival,Super Bowl,Grand Prix,Climate Summit,General Election".split(
    ",",
  );
const ORG_WORDS =
  "Northwind Bluebird Summit Pioneer Global Delta Apex Orion Vertex Pacific Atlantic Golden United National First Royal Green Silver Nova Quantum Horizon Liberty Sunrise Metro Union Central Alpine Evergreen Lighthouse Redwood Contoso Fabrikam Acme Globex Initech Umbrella Stark".split(
    " ",
  );
const ORG_KINDS =
  "Bank,Insurance,Airlines,Systems,Software,Technologies,Foods,Motors,Energy,Capital,Partners,Consulting,Logistics,Media,Records,Pharmaceuticals,Hospital,Labs,Group,Holdings,Solutions,Electronics,Pictures,Press,Foundation,Institute,Retail,Telecom,Studios,Healthcare,Industries,Ventures,Networks,Robotics".split(
    ",",
  );
const SUFFIXES = [
  "Inc.",
  "Inc",
  "Ltd",
  "Ltd.",
  "LLC",
  "GmbH",
  "AG",
  "S.A.",
  "SA",
  "PLC",
  "plc",
  "Corp.",
  "Corporation",
  "Co.",
  "Limited",
  "BV",
  "NV",
  "AB",
  "Oy",
  "SpA",
  "KG",
  "& Co.",
  "LLP",
  "Pty Ltd",
  "SE",
];
/** Organizations that everyone knows, as everyone writes them. */
export const KNOWN_ORGS =
  "Google,Microsoft,Apple,Amazon,Facebook,Meta,Twitter,Netflix,IBM,Intel,Oracle,SAP,Siemens,Bosch,Volkswagen,BMW,Mercedes-Benz,Toyota,Honda,Sony,Samsung,Nokia,Ericsson,Vodafone,Deutsche Telekom,Deutsche Bank,BNP Paribas,HSBC,Barclays,Goldman Sachs,JPMorgan,Citigroup,Wells Fargo,Bank of America,Visa,Mastercard,PayPal,Stripe,Uber,Lyft,Airbnb,Tesla,SpaceX,NASA,FBI,CIA,NATO,UN,United Nations,European Union,World Bank,WHO,UNICEF,Red Cross,Amnesty International,Greenpeace,BBC,CNN,Reuters,New York Times,Washington Post,The Guardian,ESPN,Disney,Warner Bros,Universal,Nike,Adidas,Puma,Coca-Cola,Pepsi,McDonald's,Starbucks,KFC,Walmart,Target,Costco,IKEA,H&M,Zara,Tesco,Aldi,Lidl,Pfizer,Novartis,Bayer,Roche,Johnson & Johnson,Merck,AstraZeneca,Boeing,Airbus,Lufthansa,Ryanair,Emirates,Air France,Shell,BP,ExxonMobil,Gazprom,OpenAI,Anthropic,DeepMind,Nvidia,AMD,Qualcomm,Cisco,Dell,HP,Lenovo,Huawei,Alibaba,Tencent,Baidu,ByteDance,Manchester United,Liverpool FC,Real Madrid,Barcelona,Bayern Munich,Juventus,Chelsea,Arsenal,Lakers,Yankees,Red Sox,Cowboys,Harvard University,Stanford University,MIT,Oxford University,University of Cambridge,Princeton,Yale University,UCLA,Congress,Senate,House of Commons,Labour Party,Republican Party,Democratic Party,Supreme Court,Ministry of Defence,Department of Justice,Federal Reserve,European Commission,Accenture,Deloitte,KPMG,PwC,McKinsey,Salesforce,Adobe,Spotify,Zoom,Slack,GitHub,Dropbox,Shopify,eBay,FedEx,UPS,DHL,The Times,Guardian,Daily Mail,The Sun,Financial Times,The Economist,Wall Street Journal,Los Angeles Times,USA Today,Forbes,Bloomberg,Associated Press,AP,AFP,Al Jazeera,Fox News,NBC,CBS,ABC,MTV,HBO,Sky,Sky News,ITV,Channel 4,PBS,NPR,Le Monde,El País,Der Spiegel,TechCrunch,Wired,Vogue,Rolling Stone,Time Magazine,National Geographic,YouTube,Instagram,TikTok,Snapchat,WhatsApp,LinkedIn,Reddit,Pinterest,Wikipedia,Yahoo,Bing,AOL,Blackberry,Motorola,LG,Panasonic,Sharp,Toshiba,Hitachi,Canon,Nikon,Philips,Electronic Arts,Nintendo,Ubisoft,Valve,Twitch,T-Mobile,Verizon,AT&T,Comcast,Sprint,Orange,O2,British Airways,Delta Air Lines,American Airlines,United Airlines,Southwest,EasyJet,KLM,Qantas,Amtrak,Greyhound,Hertz,Hilton,Marriott,Ford,Chevrolet,General Motors,Chrysler,Fiat,Renault,Peugeot,Nissan,Mazda,Hyundai,Kia,Volvo,Audi,Porsche,Ferrari,Subway,Burger King,Wendy's,Domino's,Pizza Hut,Dunkin Donuts,Nestle,Unilever,Danone,Kraft,Heineken,Carlsberg,Procter & Gamble,L'Oréal,Gillette,Macy's,Sears,Best Buy,Home Depot,Whole Foods,Sainsbury's,Asda,Waitrose,Marks & Spencer,Boots,Carrefour,Morgan Stanley,Merrill Lynch,UBS,Credit Suisse,Santander,ING,RBS,Lloyds,NatWest,American Express,Capital One,Fidelity,Vanguard,BlackRock,Berkshire Hathaway,AIG,Allianz,AXA,Zurich,Prudential,Liverpool,Everton,Man United,Man City,Manchester City,Tottenham,Spurs,Celtic,Rangers,Ajax,PSG,AC Milan,Inter Milan,Borussia Dortmund,Boston Celtics,Chicago Bulls,Miami Heat,Dallas Cowboys,New York Giants,New England Patriots,Green Bay Packers,Toronto Maple Leafs,Detroit Red Wings,New York Yankees,Chicago Cubs,San Francisco Giants,NFL,NBA,NHL,MLB,FIFA,UEFA,UFC,WWE,NCAA,PGA,IOC,EU,IMF,WTO,OPEC,UNESCO,Interpol,Europol,NSA,DEA,FDA,EPA,IRS,FCC,SEC,TSA,NYPD,LAPD,Scotland Yard,Home Office,NHS,MI5,MI6,Mossad,KGB,Pentagon,White House,State Department,Department of Defense,Department of Education,Ministry of Health,Ministry of Finance,Bundestag,Conservative Party,Tory Party,Liberal Democrats,Green Party,CDU,SPD,Hamas,Hezbollah,Taliban,Al-Qaeda,ISIS,IRA,Royal Navy,US Army,Air Force,Marine Corps,Catholic Church,Church of England,Salvation Army,Oxfam,Save the Children,Médecins Sans Frontières,Columbia University,Cornell,Duke University,University of California,University of Texas,Penn State,Ohio State,Michigan State University,Imperial College,LSE,ETH Zürich,Sorbonne,The Beatles,The Rolling Stones,Metallica,Nirvana,Coldplay,U2,Radiohead,One Direction,Pink Floyd,Linkin Park,Arctic Monkeys,Led Zeppelin,The Who,Foo Fighters,Green Day,Maroon 5".split(
    ",",
  );

const GAP = /\{(\w+)\}/g;
const ENTITY_OF: Readonly<Record<string, number>> = {
  person: 0,
  first: 0,
  last: 0,
  city: 1,
  country: 1,
  region: 1,
  street: 1,
  org: 2,
};
/** The gaps of presidio-research's templates that are called otherwise here. */
const PRESIDIO_GAPS: Readonly<Record<string, string>> = {
  name: "person",
  name_male: "person",
  name_female: "person",
  first_name: "first",
  first_name_male: "first",
  first_name_female: "first",
  first_name_nonbinary: "first",
  last_name: "last",
  last_name_male: "last",
  last_name_female: "last",
  organization: "org",
  street_name: "street_name",
  state_abbr: "state",
  credit_card_number: "card",
  phone_number: "phone",
  building_number: "n",
  secondary_address: "unit",
  age: "age",
  nationality: "nat",
  nation_woman: "nat",
  nation_plural: "nats",
  year: "year",
  postcode: "zip",
  zipcode: "zip",
  prefix: "title",
  prefix_male: "title",
  prefix_female: "title",
  date_of_birth: "date",
  date_time: "date",
  day_of_week: "weekday",
  ip_address: "ip",
  us_driver_license: "card",
};

/** Fills templates. */
export class Sentences {
  readonly #names: Names;
  readonly #random: () => number;
  readonly #latin: readonly Locale[];
  #locale: Locale;

  constructor(names: Names, random: () => number) {
    this.#names = names;
    this.#random = random;
    this.#latin = names.locales.filter(({ first }) => /^\p{Script=Latin}/u.test(first[0]!));
    this.#locale = this.#latin[0]!;
  }

  /** A sentence of a template. */
  fill(template: string): Example {
    this.#locale = this.#drawLocale();
    let text = "";
    const labels: Label[] = [];
    const add = (piece: string, entity: number | undefined) => {
      const end = text.length + piece.length;
      const last = labels.at(-1);
      // A first name and a surname side by side are one name.
      const goes_on = entity === 0 && last?.entity === 0 && text.slice(last.end) === " ";
      if (goes_on) labels[labels.length - 1] = { ...last, end };
      else if (entity !== undefined && piece !== "") labels.push({ start: text.length, end, entity });
      text += piece;
    };
    let from = 0;
    for (const { 0: gap, 1: kind, index } of template.matchAll(GAP)) {
      add(template.slice(from, index), undefined);
      from = index + gap.length;
      if (kind === "address") this.#address(add);
      else
        add(
          this.#value(kind!),
          ENTITY_OF[kind === "street_name" ? "street" : kind === "state" ? "region" : kind!],
        );
    }
    add(template.slice(from), undefined);
    return { text, labels, is_generated: true };
  }

  /** The same text with other names. */
  swap({ text, labels }: Example): Example {
    this.#locale = this.#drawLocale();
    let swapped = "";
    const moved: Label[] = [];
    let from = 0;
    for (const { start, end, entity } of labels) {
      swapped += text.slice(from, start);
      const name = this.#alike(text.slice(start, end), entity);
      moved.push({ start: swapped.length, end: swapped.length + name.length, entity });
      swapped += name;
      from = end;
    }
    return { text: swapped + text.slice(from), labels: moved, is_generated: true };
  }

  /** Another name of the kind, written as this one is. */
  #alike(name: string, entity: number): string {
    const other = entity === 2 ? this.#org() : entity === 1 ? this.#place() : this.#alikePerson(name);
    if (name === name.toLowerCase()) return other.toLowerCase();
    return name.length > 3 && name === name.toUpperCase() ? other.toUpperCase() : other;
  }

  #alikePerson(name: string): string {
    if (name.includes(" ")) return this.#person();
    return this.#chance(0.7) ? this.#first() : this.#last();
  }

  #place(): string {
    const dice = this.#random();
    if (dice < 0.65) return this.#city();
    if (dice < 0.8) return this.#country();
    return dice < 0.9 ? this.#pick(this.#names.regions) : this.#street();
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(list: readonly T[]): T {
    return pick(list, this.#random);
  }

  #drawLocale(): Locale {
    if (this.#chance(0.3)) return this.#latin.find(({ name }) => name === "en")!;
    return this.#chance(0.03) ? this.#pick(this.#names.locales) : this.#pick(this.#latin);
  }

  #first(): string {
    return this.#chance(0.35) ? this.#pick(this.#names.first) : this.#pick(this.#locale.first);
  }

  #last(): string {
    const dice = this.#random();
    if (dice < 0.02) return this.#surname().toUpperCase();
    return dice < 0.05 ? this.#pick(["O'", "Mc", "Mac", "D'", "O’"]) + this.#surname() : this.#surname();
  }

  #surname(): string {
    return this.#chance(0.15) ? this.#pick(this.#names.last) : this.#pick(this.#locale.last);
  }

  #person(): string {
    const [first, last] = [this.#first(), this.#last()];
    const dice = this.#random();
    if (dice < 0.6) return `${first} ${last}`;
    if (dice < 0.68) return `${first} ${this.#letter()} ${last}`;
    if (dice < 0.76) return `${first} ${this.#letter()}. ${last}`;
    if (dice < 0.8) return `${first.charAt(0)}. ${last}`;
    if (dice < 0.84) return `${first} ${this.#first()} ${last}`;
    if (dice < 0.88) return `${first} ${last}-${this.#last()}`;
    if (dice < 0.9)
      return `${first} ${this.#pick(["van", "de", "von", "van der", "da", "del", "al", "bin", "O'", "Mc"])} ${last}`.replace(
        /(O'|Mc) /,
        "$1",
      );
    if (dice < 0.92) return `${last} ${first}`;
    return first;
  }

  #letter(): string {
    return String.fromCharCode(65 + Math.floor(this.#random() * 26));
  }

  #city(): string {
    return this.#chance(0.05) ? this.#cityName().toUpperCase() : this.#cityName();
  }

  #cityName(): string {
    const dice = this.#random();
    if (dice < 0.35) return this.#pick(this.#names.cities.slice(0, 1500)).name;
    if (dice < 0.7) return this.#pick(this.#names.cities).name;
    if (dice < 0.85 || this.#locale.cities.length === 0) return this.#pick(this.#names.towns);
    return this.#pick(this.#locale.cities);
  }

  #country(): string {
    const country = this.#pick(this.#names.countries);
    const dice = this.#random();
    if (dice < 0.06)
      return this.#pick([
        "US",
        "USA",
        "UK",
        "U.S.",
        "the UK".slice(4),
        "UAE",
        "America",
        "England",
        "Holland",
        "Korea",
      ]);
    return country;
  }

  #org(): string {
    const dice = this.#random();
    const word = this.#pick(ORG_WORDS);
    if (dice < 0.22) return this.#pick(KNOWN_ORGS);
    if (dice < 0.52) return this.#pick(this.#names.companies);
    if (dice < 0.6) return `${this.#last()} ${this.#pick(SUFFIXES)}`;
    if (dice < 0.66) return `${this.#last()} ${this.#pick(["&", "and", "-", "und"])} ${this.#last()}`;
    if (dice < 0.76)
      return `${word} ${this.#pick(ORG_KINDS)}${this.#chance(0.4) ? ` ${this.#pick(SUFFIXES)}` : ""}`;
    if (dice < 0.82) return `${this.#last()} ${this.#pick(ORG_KINDS)}`;
    if (dice < 0.87) return `University of ${this.#city()}`;
    if (dice < 0.91)
      return `${this.#city()} ${this.#pick(["University", "Hospital", "City Council", "FC", "United", "Police Department", "Times", "High School", "Airport"])}`;
    if (dice < 0.94) return `Bank of ${this.#country()}`;
    if (dice < 0.99)
      return `${this.#pick(this.#names.nationalities)} ${this.#pick(["Airlines", "Army", "Red Cross", "Football Association", "Parliament", "Academy of Sciences"])}`;
    return Array.from({ length: 3 }, () => this.#letter()).join("");
  }

  #street(): string {
    const { streets, street_suffixes } = this.#locale;
    const dice = this.#random();
    if (dice < 0.3 && streets.length > 0) return this.#pick(streets);
    if (dice < 0.6)
      return `${this.#last()} ${this.#pick(["Street", "Road", "Avenue", "Lane", "Drive", "St", "Rd", "Ave", "Blvd", "Court", "Way", "Place", "Close"])}`;
    if (dice < 0.8 && street_suffixes.length > 0) return `${this.#last()} ${this.#pick(street_suffixes)}`;
    return this.#pick([
      `${this.#last()}straße`,
      `${this.#last()}gatan`,
      `${this.#last()}katu`,
      `${this.#last()}strasse`,
      `Rue de ${this.#city()}`,
      `rue ${this.#last()}`,
      `Via ${this.#last()}`,
      `Calle ${this.#last()}`,
      `Rua ${this.#last()}`,
      `ul. ${this.#last()}`,
      `${this.#last()} utca`,
      `${this.#last()}laan`,
      `${this.#last()}vej`,
      `Avenida ${this.#city()}`,
      `${this.#city()} Road`,
      `${this.#number(1, 99)}th Street`,
      `Strada ${this.#last()}`,
    ]);
  }

  #address(add: (piece: string, entity: number | undefined) => void): void {
    const number = this.#number(1, 9000);
    const gap = this.#pick([", ", "\n", " ", ",\n", "\n "]);
    const unit = this.#chance(0.25)
      ? this.#pick([" Apt. ", " Suite ", ", Flat ", " Unit ", " #"]) + this.#number(1, 999)
      : "";
    if (this.#chance(0.08)) add(`P.O. Box ${number}`, 1);
    else add((this.#chance(0.6) ? `${number} ${this.#street()}` : `${this.#street()} ${number}`) + unit, 1);
    add(gap, undefined);
    if (this.#chance(0.25)) add(`${this.#number(1000, 99999)} `, undefined);
    add(this.#city(), 1);
    if (this.#chance(0.5)) {
      add(this.#pick([", ", " ", "\n, "]), undefined);
      add(this.#chance(0.6) ? this.#state() : this.#pick(this.#names.regions), 1);
    }
    if (this.#chance(0.5)) add(` ${this.#number(1000, 99999)}`, undefined);
    if (this.#chance(0.4)) {
      add(this.#pick([", ", "\n", " ", "\n "]), undefined);
      add(this.#country(), 1);
      if (this.#chance(0.3)) add(` ${this.#number(1000, 99999)}`, undefined);
    }
  }

  #state(): string {
    return this.#pick(
      "AL AK AZ AR CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY NSW QLD BC ON".split(
        " ",
      ),
    );
  }

  #number(from: number, to: number): string {
    return String(Math.floor(from + this.#random() * (to - from)));
  }

  #value(kind: string): string {
    const day = this.#number(1, 29);
    switch (kind) {
      case "person":
        return this.#person();
      case "first":
        return this.#first();
      case "last":
        return this.#last();
      case "city":
        return this.#city();
      case "country":
        return this.#country();
      case "region":
        return this.#pick(this.#names.regions);
      case "street":
        return this.#chance(0.5)
          ? `${this.#number(1, 999)} ${this.#street()}`
          : `${this.#street()} ${this.#number(1, 999)}`;
      case "street_name":
        return this.#street();
      case "state":
        return this.#state();
      case "unit":
        return `${this.#pick(["Apt. ", "Suite "])}${this.#number(1, 999)}`;
      case "org":
        return this.#org();
      case "job":
        return this.#pick(JOBS);
      case "nat":
        return this.#pick(this.#names.nationalities);
      case "nats":
        return `${this.#pick(this.#names.nationalities)}s`;
      case "date":
        return this.#pick([
          `${day} ${this.#pick(MONTHS)} ${this.#number(1900, 2030)}`,
          `${this.#number(1, 13)}/${day}/${this.#number(1950, 2030)}`,
          `${this.#pick(MONTHS)} ${day}, ${this.#number(1900, 2030)}`,
          `${this.#number(1950, 2030)}-0${this.#number(1, 10)}-1${this.#number(0, 10)}`,
        ]);
      case "time":
        return `${this.#number(1, 13)}:${this.#number(10, 60)} ${this.#pick(["am", "pm", "PM", ""])}`.trim();
      case "month":
        return this.#pick(MONTHS);
      case "weekday":
        return this.#pick(WEEKDAYS);
      case "money":
        return this.#pick([
          `$${this.#number(5, 9000)}`,
          `${this.#number(5, 900)} euros`,
          `£${this.#number(2, 90)}m`,
        ]);
      case "n":
        return this.#number(1, this.#pick([10, 100, 2030]));
      case "age":
        return this.#number(1, 95);
      case "year":
        return this.#number(1900, 2030);
      case "zip":
        return this.#number(1000, 99999);
      case "card":
        return this.#number(1e11, 9e15);
      case "ssn":
        return `${this.#number(100, 999)}-${this.#number(10, 99)}-${this.#number(1000, 9999)}`;
      case "iban":
        return `GB${this.#number(10, 99)}ABCD${this.#number(1e12, 9e13)}`;
      case "ip":
        return `10.${this.#number(0, 255)}.0.${this.#number(1, 255)}`;
      case "email":
        return `${this.#first()}${this.#pick(["", ".", "_"])}${this.#last()}@${this.#pick(["example.com", "gmail.com", "mail.org"])}`
          .replace(/[^\w.@]/g, "")
          .toLowerCase();
      case "phone":
        return `${this.#pick(["+1 ", "", "0", "+44 "])}${this.#number(100, 999)} ${this.#number(1000, 9999999)}`;
      case "url":
        return `https://www.${this.#pick(["example", "company", "shop"])}.com/`;
      case "product":
        return this.#pick(PRODUCTS);
      case "work":
        return this.#pick(WORKS);
      case "thing":
        return this.#pick(THINGS);
      case "noun":
        return this.#pick(GERMAN_NOUNS);
      case "event":
        return this.#pick(EVENTS);
      case "title":
        return this.#pick(TITLES);
      default:
        throw new Error(`no values for the gap {${kind}}`);
    }
  }
}

/** The lines of a file of texts, with `\n` and `\t` taken for what they stand for. */
export function readLines(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("# Sentences") && !line.startsWith("# Texts"))
    .filter((line) => !line.startsWith("# names"))
    .map((line) => line.replace(/\\n/g, "\n").replace(/\\t/g, "\t"));
}

/** The templates of presidio-research that are not held out, with gaps as they are called here. */
export function readPresidioTemplates(pii: string): string[] {
  return readFileSync(join(pii, "presidio/raw/templates.txt"), "utf8")
    .split("\n")
    .filter((line, template_id) => line !== "" && !isHeldOut(template_id))
    .map((line) =>
      line
        .replace(/\\n/g, "\n")
        .replace(/\\,/g, ",")
        .replace(/\{\{(\w+)\}\}/g, (_, gap: string) => `{${PRESIDIO_GAPS[gap] ?? gap}}`),
    );
}
