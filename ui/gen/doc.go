// Command gen writes the TypeScript types of what the pages read from the
// server, from the Go structs that the server encodes, to standard output. Run
// it from the top of the tree: go run ./ui/gen > ui/src/api_gen.ts. It owns the
// one translation of Go types to TypeScript. It refuses a type that has no exact
// counterpart in JSON, instead of writing "any".
package main
