package view

import "github.com/trimtab/trimtab"

// With completes an endpoint of an overview with what the data plane says of it:
// the version that answers, what was counted, and the condition that tells most,
// which is the first that does not hold. Target is set before; without conditions
// the endpoint has not been taken up yet.
func (e OverviewEndpoint) With(v Endpoint) OverviewEndpoint {
	var c trimtab.Condition
	for _, one := range v.Conditions {
		// NoVersion says that something is missing; Ready says so too, and why.
		if one.Type == "NoVersion" {
			continue
		}
		if c.Type == "" || !one.Status && c.Status {
			c = one
		}
	}
	e.Serving = v.Version
	switch {
	case e.Serving > 0 && c.Type == "Loaded" && !c.Status:
		e.State = EndpointBehind
	case e.Serving > 0:
		e.State = EndpointServing
	case (c.Type == "" || c.Reason == "NoVersion") && e.Target == 0:
		e.State = EndpointNoVersion
	case c.Type == "" || c.Reason == "NoVersion" || c.Status:
		e.State = EndpointLoading // the alias names a version that has not been looked at
	default:
		e.State = EndpointFailed
	}
	e.Reason, e.Message, e.Since = c.Reason, c.Message, c.Since
	e.Predictions, e.Dropped, e.Lost = v.Counts["predictions"], v.Counts["dropped"], v.Counts["lost"]
	for _, s := range v.Settled {
		if s.Wait == trimtab.WaitHuman {
			e.Waits = append(e.Waits, OverviewWait{Listener: s.Listener, Command: s.Detail})
		}
	}
	return e
}
