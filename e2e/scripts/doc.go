// Package scripts runs the txtar scripts in testdata against the real binary and
// a real server. The scripts are the manual of the command line as it is: each
// shows commands with what they print and how they end.
//
// The package holds no production code. It refuses fakes: a script that needs a
// server starts one with the command server, and one that needs a model registers
// it over MLflow's own API.
package scripts
