// Package year replays a year of flights through the real server with nobody's
// hand on the wheel, and writes down from the records alone what was found,
// decided, rolled out and measured. The text must be the same every time: with
// requests of another size, on another database, and when the server is killed
// again and again while it trains, replays and rolls out. Nothing in it is an id
// made by chance, a moment of the clock or a duration. It refuses to judge whether
// the decisions are good ones: that is for who reads the transcript. The short form
// replays a spring and runs with every test run, the long one by `make year`.
package year
