import { render } from "preact";
import "./style.css";
import { App } from "./app";
import { startLengths } from "./lengths";
import { startRouter } from "./router";

startLengths();
startRouter();
const root = document.getElementById("app");
if (root) render(<App />, root);
