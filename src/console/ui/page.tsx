// The dashboard's door in the browser: draws the page into its document.

import { render } from "preact";
import { App } from "./app.tsx";

render(<App />, document.getElementById("app")!);
