import { render } from "preact";
import "./style.css";
import { App } from "./app";
import { startRouter } from "./router";

startRouter();
const root = document.getElementById("app");
if (root) render(<App />, root);
