package rollout

// LimitRows bounds what a look reads, and returns what undoes it.
func LimitRows(n int) (undo func()) {
	old := maxRows
	maxRows = n
	return func() { maxRows = old }
}
