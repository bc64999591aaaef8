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
reason-open-now = Open until { $time }
reason-always-open = Always open
reason-next-opening = Closed; next opening: { $time }
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
reason-past-outcomes = For this procedure, needs resolved after coming here (referrals followed): { $share }

# What to beware of.
caution-demonstration = Invented place, for demonstration: send nobody there
caution-disputed = Somebody reported an error in this record: phone first
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
notice-own-rules = This territory has institutions and rules of its own: check at the town hall that the procedure exists there in this form

# Days and hours.
weekday = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
  }
month = { $month ->
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
  }
moment = { weekday } { $day } { month } at { $time }
full-moment = { date } at { $time }
date = { weekday } { $day } { month } { $year }

# What to do when blocked: the amicable steps.
step-arcep = Report the problem to Arcep (jalerte.arcep.fr) if the operator did not answer your written complaint. This does not stop the time limit of an appeal.
step-association = Have an association that knows this procedure go with you. This does not stop the time limit of an appeal.
step-ccapex = Ask a social worker to refer the case to the commission for the prevention of evictions (Ccapex). Do not rely on it to stop the proceedings.
step-centre-contact-citoyens = Call the citizens' contact centre of France Titres. This does not stop the time limit of an appeal.
step-commission-conciliation = Refer the case to the département's conciliation commission, free of charge. Ask whether this stops a time limit.
step-commission-dalo = Refer the case to the département's Dalo mediation commission. Ask whether this stops a time limit.
step-commission-surendettement = File with the over-indebtedness commission (Banque de France). Ask what this suspends.
step-conciliateur-fiscal = Write to the département's tax conciliator, if your written complaint was refused or left unanswered. This does not stop the time limit of an appeal.
step-conciliateur-justice = See the justice conciliator, free of charge. This does not stop the time limit of an appeal.
step-conciliation-mdph = Ask the MDPH for conciliation by a qualified person. This stops the time limit of an appeal while it lasts.
step-consulat = Contact the consulate. This does not stop the time limit of an appeal.
step-contact-institution = Contact the body by its website, its telephone or its desk, and note the date and the name of who answers. This does not stop the time limit of an appeal.
step-crip = Report the situation to the département's unit (Crip) or to 119. This does not stop the time limit of an appeal.
step-delegue-defenseur-droits = If a public service is at fault and did not answer your complaint, see the delegate of the Defender of Rights, free of charge. This does not stop the time limit of an appeal.
step-fsl = Ask for help from the département's housing solidarity fund (FSL). Ask whether this suspends the proceedings.
step-inspection-travail = Contact the labour inspectorate. This does not stop the time limit of an appeal.
step-mairie = See the town hall. This does not stop the time limit of an appeal.
step-mediateur-bancaire = Two months after a written complaint to the bank, or once it refuses, refer the case to the banking mediator, free of charge. Do not rely on it to stop the time limit of an appeal.
step-mediateur-eau = Two months after a written complaint to the water service, or once it refuses, refer the case to the water mediator, free of charge. Do not rely on it to stop the time limit of an appeal.
step-mediateur-energie = Two months after a written complaint to the supplier, refer the case to the national energy mediator, free of charge. Do not rely on it to stop the time limit of an appeal.
step-mediateur-france-travail = After a written complaint, refer the case to the mediator of France Travail. This stops the time limit of an appeal or not, according to the case: ask, and do not wait for the answer.
step-mediateur-institution = After a written complaint, refer the case to the body's mediator. This stops the time limit of an appeal or not, according to the case: ask, and do not wait for the answer.
step-mediateur-msa = After a written complaint, refer the case to the mediator of the MSA. This stops the time limit of an appeal until the mediator's opinion.
step-mediation-numerique = Get help from a digital adviser or in a digital space. This does not stop the time limit of an appeal.
step-point-justice = See a point-justice (telephone 3039), free of charge: your rights and the time limit are explained there. This does not stop the time limit of an appeal.
step-point-numerique-prefecture = Go to the digital point of the prefecture or sub-prefecture. This does not stop the time limit of an appeal.
step-procureur = Write to the public prosecutor. This does not stop the time limit of an appeal.
step-reclamation-ecrite = Complain to the body in writing, and keep a copy and proof of sending. This does not stop the time limit of an appeal.
step-referent = Ask a professional to reach the body's reserved contact. This does not stop the time limit of an appeal.
step-service-social-departement = See a social worker of the département. This does not stop the time limit of an appeal.
step-signal-conso = Report the problem on signal.conso.gouv.fr. This does not stop the time limit of an appeal.

# From when a time limit runs.
event-notification = the notification of the decision
event-previous-step = the answer to the stage before, or the end of the time allowed for it
event-service = the service of the act by a court commissioner
event-sending = the sending of the letter
event-collection = the collection of the tax, whose date is written on the notice
event-silence = the day on which silence means refusal
event-event = the event itself

# How long a time limit is.
limit-hours = { $number ->
    [one] { $number } hour
   *[other] { $number } hours
  }
limit-days = { $number ->
    [one] { $number } day
   *[other] { $number } days
  }
limit-months = { $number ->
    [one] { $number } month
   *[other] { $number } months
  }
limit-years = { $number ->
    [one] { $number } year
   *[other] { $number } years
  }
limit-year-end = { $number ->
    [1] until 31 December of the year after
   *[other] until 31 December of the { $number ->
        [2] second
        [3] third
       *[other] { $number }th
      } year after
  }
span = { $limit } from { $event }
span-year-end = { $limit } { $event }

# The stages of an appeal.
stage = { $body }: { $span }.
stage-no-limit = { $body }: read the time limit on your letter, it is not on record here.
stage-unverified = Read today the time limit and the address for appeals written on your letter, and see a point-justice (telephone 3039): we have not verified this appeal.
stage-others-unverified = For any other appeal, not verified here, read today the time limit and the address written on your letter, and see a point-justice (telephone 3039).

# How a last day is counted.
deadline-days = Last day to act: { $date }. That is { $span }; that day does not count.
deadline-months = Last day to act: { $date }. That is { $span }, to the day of the same number, or to the last of the month.
deadline-franc = Last day to act: { $date }. That is { $span }, as a “délai franc”: neither the first day nor the last counts.
deadline-year-end = Last day to act: { $date }. That is { $span }.
deadline-hours = Last hour to act: { $moment }. That is { $span }, from hour to hour; a Sunday or a public holiday changes nothing.
deadline-hours-from-midnight = Act before { $moment }. That is { $span }, counted from the beginning of the day given, for want of an hour: the hour written on the act decides. A Sunday or a public holiday changes nothing.
deadline-moved = { $why ->
    [public_holiday] The time limit ended on { $from }, a public holiday: it moves to the next working day.
    [local_holiday] The time limit ended on { $from }, a local public holiday: it moves to the next working day.
   *[other] The time limit ended on { $from }: it moves to the next working day.
  }
deadline-elsewhere = The public holidays of your territory are counted: if the body is elsewhere, act by { $elsewhere }.
deadline-not-moved = This is not a working day: do not rely on more time, it is not certain.
deadline-service = The date that counts is that of the court commissioner's act.
deadline-past = Counted so, this time limit is past. There are exceptions: see a point-justice (telephone 3039) without delay.
deadline-next-step = Next stage: { $span }. The last day can be counted then.
deadline-other-event = { $span }: this is not the date of notification, so the last day is not counted here.
deadline-no-limit = The time limit of this stage is not on record here: read it on the letter received.
advice = This count is a help, not legal advice: read again the time limit and the address written on the decision, and do not wait for the last day. If in doubt, see a point-justice (telephone 3039), free of charge.
advice-hours = Hours count: reach a lawyer, a legal-aid association or 3039 now.
advice-past = A time limit is past: there are exceptions (no time limit written on the decision, legal aid asked for in time, serious hindrance). See a point-justice (telephone 3039) today.
advice-unverified = Other appeals are possible, which we have not verified: their time limit may be shorter, read it on the decision.
advice-distance = Overseas and abroad, the law sometimes adds one or two months (code de procédure civile, articles 643 and 644; code de justice administrative, article R421-7): this count leaves them out.

# Contacts for professionals.
referent-available = Can be reached this week.
referent-lapsed = Can be reached, but its body has not confirmed this contact lately: check it.
referent-full = Its week is full: can be reached again on { $day }.
referent-absent = Away: can be reached again on { $day }.
