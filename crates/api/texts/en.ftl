# Why a place is offered.
reason-handles-procedure = This kind of place helps with this procedure
reason-declares-procedure = This place says that it helps with this procedure
reason-in-charge = This is the body in charge of the procedure
reason-danger-line = In danger, call this line first
reason-in-commune = In the commune
reason-distance = { $distance } away as the crow flies
reason-competent-for-commune = Serves the inhabitants of { $commune }
reason-competent-for-event = This is the town hall of { $commune }, which keeps the register of the act
reason-session = Session held at this place: { $holder }
reason-open-now = Open now, until { $time }
reason-always-open = Always open
reason-next-opening = Closed now; next opening: { $time }
reason-drop-in = No appointment needed
reason-by-appointment = By appointment
reason-free = Free of charge
reason-speaks-language = The language asked for is spoken there ({ $language })
reason-wheelchair-accessible = Accessible by wheelchair
reason-capacity-declared = { $capacity ->
    [few_places] A few places are left
   *[other] Places are available
  }
reason-aidants-connect = Accredited for Aidants Connect
reason-at-home = Can come to the person's home
reason-record-fresh = Record checked within the last year

# What to beware of.
caution-demonstration = Invented place, for demonstration: send nobody there
caution-hours-unknown = Opening hours unknown: telephone first
caution-hours-unchecked = Opening hours not checked for over a year: telephone first
caution-no-opening-soon = No opening planned in the coming days
caution-ccas-unlisted = No CCAS of { $commune } is on record here: ask the town hall, which stands in for it or will know
caution-itinerant = Itinerant, or several sites: check where and when before going
caution-position-approximate = Exact position unknown: the distance is to the centre of the commune
caution-appointment-only = By appointment only
caution-waiting-list = Waiting list
caution-full = Full at the moment
caution-area-assumed = Area served not confirmed: assumed to be { $area ->
    [epci] the intercommunality
    [region] the région
    [fund] that of the fund or the académie
   *[other] the département
  }
caution-far-but-competent = Far from here, but alone competent for { $commune }: telephone or write before going
caution-france-services-partial = Partial help: one step has to be done with the body itself
caution-personal-presence = The person must come in person
caution-mandate-required = A written mandate from the person is needed
caution-wheelchair-unknown = Wheelchair access unknown: telephone first
caution-language-unknown = Languages spoken unknown: ask whether somebody speaks the language wanted ({ $language })

# Why a place near by is left out.
exclusion-not-competent-for-commune = Does not serve the inhabitants of { $commune }
exclusion-procedure-not-declared = It is not known whether this place helps with this procedure: telephone to find out
exclusion-procedure-not-offered = This place says that it does not do this procedure
exclusion-event-commune-unknown = The town hall of the commune of birth or of the event is competent, not that of the residence
exclusion-not-competent-for-event = The competent town hall is that of { $commune }, where the act is registered
exclusion-kind-not-asked = Apt, but of another kind than those asked for
exclusion-too-far = Apt, but farther than the distance asked for
exclusion-in-person-only = Apt, but one goes there in person, and help from a distance is asked for
exclusion-appointment-only = By appointment only
exclusion-not-wheelchair-accessible = Not accessible by wheelchair
exclusion-language-not-spoken = The language asked for is not spoken there ({ $language })
exclusion-help-kind-not-offered = Does not offer the help asked for
exclusion-no-telephone = No telephone number known

# What goes well with the options.
also-digital-help = { $where ->
    [here] The procedure is done online too: this place, in the commune, helps with computers
   *[other] The procedure is done online too: this place, { $distance } away as the crow flies, helps with computers
  }
also-administrative-help = { $where ->
    [here] For the administrative procedures themselves, a France services space is in the commune
   *[other] For the administrative procedures themselves, the nearest France services space is { $distance } away as the crow flies
  }
notice-address-not-located = The address could not be located for now: the answer starts from the centre of the commune it names

moment = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
  } { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
  } at { $time }
