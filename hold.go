package trimtab

// Hold keeps rows of an endpoint out of every training snapshot, reference and
// quality figure until a person releases them. Rule "" holds every row with
// From <= event time < To (To 0: it goes on); with a Rule it holds the rows of the
// span that were quarantined under it, all of them when Rule is "*".
type Hold struct {
	Endpoint string   `json:"endpoint"`
	From     Time     `json:"from"`
	To       Time     `json:"to,omitempty"`
	Columns  []string `json:"columns,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Incident string   `json:"incident,omitempty"`
	Released bool     `json:"released,omitempty"`
}

// Covers reports whether the hold's span holds t.
func (h Hold) Covers(t Time) bool { return t >= h.From && (h.To == 0 || t < h.To) }

// HeldRow says why a row is kept out, "" when it is not. rule is the contract rule
// under which the row was quarantined, "" for none: such a row is kept out unless
// a released hold with that rule, or "*", covers it.
func HeldRow(holds []Hold, t Time, rule string) string {
	for _, h := range holds {
		if h.Rule == "" && !h.Released && h.Covers(t) {
			return "held: " + h.Incident
		}
	}
	if rule == "" {
		return ""
	}
	for _, h := range holds {
		if h.Released && (h.Rule == rule || h.Rule == "*") && h.Covers(t) {
			return ""
		}
	}
	return "quarantined: " + rule
}
