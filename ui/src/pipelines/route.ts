// What these pages use of the router.
export { enc, go, href, project, useParam } from "../router";
export type { Params } from "../pages";
