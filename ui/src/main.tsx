import { render } from "preact";
import "./style.css";
import { App } from "./app";
import { startLengths } from "./lengths";
import { place, startRouter } from "./router";

startLengths();
startRouter();
// The page is fetched while the frame is made.
void place.value.entry?.load().catch(() => {});
const root = document.getElementById("app");
if (root) render(<App />, root);
