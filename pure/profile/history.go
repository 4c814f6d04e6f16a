package profile

// Persist returns the state after the latest of the given windows, oldest first: Drifted when at least k of the last n
// drifted, Suspect when any of the last n did or the latest is suspect, Unknown when there is no window or the latest is
// unknown and none of the others drifted, else OK. Windows of state Unknown count as windows: silence is no good news.
func Persist(history []State, k, n int) State {
	k, n = max(1, k), max(1, n)
	if len(history) == 0 {
		return Unknown
	}
	drifted := 0
	for _, s := range history[max(0, len(history)-n):] {
		if s == Drifted {
			drifted++
		}
	}
	latest := history[len(history)-1]
	switch {
	case drifted >= k:
		return Drifted
	case drifted > 0 || latest == Suspect:
		return Suspect
	case latest == Unknown:
		return Unknown
	}
	return OK
}

// Seasonal returns the counts of the same season before: of the windows in history, oldest first, those that lie one,
// two … periods before the next window, each with width neighbours to either side, added up. Windows that are nil are
// left out. It is nil when history does not reach back one period; else a reference for Compare.
func Seasonal(history []*Counts, period, width int) (*Counts, error) {
	if period < 1 || width < 0 || 2*width >= period {
		return nil, fail("", "a season of period %d and width %d: expected a positive period of more than twice the width", period, width)
	}
	next := len(history)
	var sum *Counts
	for center := next - period; center >= 0; center -= period {
		for i := max(0, center-width); i <= min(next-1, center+width); i++ {
			k := history[i]
			if k == nil {
				continue
			}
			if sum == nil {
				sum = &Counts{Profile: k.Profile, Columns: make([]ColumnCounts, len(k.Columns))}
				for j := range sum.Columns {
					sum.Columns[j].Bins = make([]int64, len(k.Columns[j].Bins))
				}
			}
			if err := sum.Merge(k); err != nil {
				return nil, err
			}
		}
	}
	return sum, nil
}

// InSeason tempers a report by one against the same season before: a column that drifted from the reference but not
// from its season is Suspect, and says so. Columns that seasonal lacks or does not know stay as they are.
func InSeason(report, seasonal *Report) *Report {
	then := make(map[string]State, len(seasonal.Columns))
	for _, d := range seasonal.Columns {
		then[d.Column] = d.State
	}
	out := *report
	out.Columns = append([]Drift(nil), report.Columns...)
	out.Drifted, out.Suspect, out.State = 0, 0, OK
	for i := range out.Columns {
		d := &out.Columns[i]
		if d.State == Drifted && then[d.Column] == OK {
			d.State = Suspect
			d.Why += "; as in the same season before"
		}
		switch d.State {
		case Drifted:
			out.Drifted++
		case Suspect:
			out.Suspect++
		}
	}
	switch {
	case out.Drifted > 0:
		out.State = Drifted
	case out.Suspect > 0:
		out.State = Suspect
	case report.State == Unknown:
		out.State = Unknown
	}
	return &out
}
