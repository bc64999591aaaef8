# Ce que lit une personne orientée, en arabe : la page où elle dit si elle a eu de l'aide (/c/ et son code), ce qui est gardé avec
# son code, et le papier qu'on lui donne. Phrases courtes, mots de tous les jours, sans genre quand c'est simple. Les mêmes clés,
# dans le même ordre, dans chaque langue.
# Le papier porte chaque phrase en français, puis dans cette langue.
# Écrit de droite à gauche, avec la forme de politesse « vous » (pluriel). Une valeur qui s'écrit de gauche à droite est isolée :
# \u2066 (de gauche à droite) ou \u2068 (selon son premier caractère) devant, \u2069 derrière.

language-name = العربية
direction = rtl

# La page « Avez-vous eu de l'aide ? ».
helped-title = هل حصلتم على المساعدة؟
helped-intro = دلّكم شخص على المكان الذي تذهبون إليه لإجراء إداري. أخبرونا كيف سارت الأمور. لا نطلب اسمكم ولا رقم هاتفكم.
helped-resolved = نعم، تم حل الأمر
helped-partially = جزئيًا
helped-unresolved = لا، ليس بعد
helped-not-needed = لم أعد بحاجة إلى ذلك
helped-thanks-title = شكرًا
helped-thanks = تم تسجيل جوابكم. وهو يساعد على توجيه الآخرين بشكل أفضل.
helped-change = يمكنكم تغيير رأيكم: أجيبوا مرة أخرى.
helped-why = لماذا؟ (إن أردتم أن تقولوا)
why-cannot-travel = لم أتمكن من الذهاب إلى هناك
why-missing-documents = كانت تنقصني وثيقة
why-temporarily-closed = كان المكان مغلقًا
why-moved-or-closed = لم يعد هذا المكان موجودًا، أو انتقل إلى عنوان آخر
why-wrong-service = لم يكن المكان المناسب
why-no-capacity = لم يبق مكان شاغر
why-appointment-only = كان يجب أخذ موعد
why-digital-or-language-barrier = كان الأمر صعبًا جدًا بسبب اللغة أو الإنترنت
why-other = سبب آخر
helped-what-next = يمكنكم العودة مع رمزكم إلى الشخص الذي أعطاكم هذه الورقة. يمكنه أن يدلّكم على مكان آخر.
# $answer : l'une des réponses ci-dessus, dans la même langue.
helped-already = لقد أجبتم من قبل: { $answer }

# La page où l'on tape son code.
code-title = رمزكم
code-label = الرمز المكتوب على ورقتكم
code-hint = 10 حروف لاتينية وأرقام
code-go = متابعة
code-unknown-title = لم نتعرف على هذا الرمز
code-unknown = تحققوا من الرمز على ورقتكم: 10 حروف لاتينية وأرقام. إذا استمرت المشكلة، اسألوا الشخص الذي أعطاكم الرمز.
code-too-many-title = محاولات كثيرة جدًا
code-too-many = أُدخلت رموز خاطئة كثيرة من هذا الاتصال بالإنترنت. حاولوا مرة أخرى بعد ساعة.

# Ce qui est gardé avec un code.
your-data = بياناتكم
your-data-intro = هذا ما نحتفظ به مع هذا الرمز. لا يوجد فيه اسمكم ولا عنوانكم.
your-data-download = تنزيل ما هو محفوظ
your-data-erase = حذف كل شيء
your-data-erase-sure = سيُحذف كل ما يرتبط بهذا الرمز إلى الأبد. ولن يعمل الرمز بعد ذلك.
your-data-erase-confirm = نعم، حذف كل شيء
your-data-erased-title = تم الحذف
your-data-erased = لم نعد نحتفظ بأي شيء مع هذا الرمز.
back = رجوع
privacy-link = حقوقكم وبياناتكم

# Le papier : où aller. Les noms de démarches, de lieux et de communes y sont en français dans toutes les langues : aucune phrase
# ne les accorde ni ne les décline, et deux points les précèdent quand la langue l'aurait demandé.
slip-title = إلى أين تذهبون
slip-for = من أجل: { "\u2068" }{ $procedure }{ "\u2069" }
slip-address = العنوان
slip-directions = كيف تصلون إلى هناك
# $distance : « 1,2 km ». $direction : l'un des huit points cardinaux qui suivent, écrits pour cette phrase.
slip-directions-from = على بُعد { "\u2068" }{ $distance }{ "\u2069" } في خط مستقيم من { "\u2068" }{ $place }{ "\u2069" }، باتجاه { $direction }
slip-directions-in = المدينة أو القرية: { "\u2068" }{ $commune }{ "\u2069" }
compass-n = الشمال
compass-ne = الشمال الشرقي
compass-e = الشرق
compass-se = الجنوب الشرقي
compass-s = الجنوب
compass-sw = الجنوب الغربي
compass-w = الغرب
compass-nw = الشمال الغربي

# Le papier : quand y aller.
slip-hours = أوقات العمل
slip-hours-unknown = لا نعرف أوقات العمل. اتصلوا بالهاتف قبل الذهاب.
slip-hours-vary = أوقات العمل ليست دائمًا نفسها. اتصلوا بالهاتف قبل الذهاب.
slip-hours-closed = مغلق
# $days : un jour, deux jours joints par slip-and, ou slip-hours-range. $times : slip-hours-span, ou deux joints par slip-and, ou
# slip-hours-closed.
slip-hours-days = { $days }: { $times }
slip-hours-span = من { "\u2066" }{ $from }{ "\u2069" } إلى { "\u2066" }{ $to }{ "\u2069" }
slip-hours-range = من { $first } إلى { $last }
slip-hours-always = مفتوح كل يوم، ليلًا ونهارًا
# Joint deux mots ; les espaces autour ne sont pas ici. En arabe, il se colle au mot qui suit.
slip-and = و
weekday-1 = الاثنين
weekday-2 = الثلاثاء
weekday-3 = الأربعاء
weekday-4 = الخميس
weekday-5 = الجمعة
weekday-6 = السبت
weekday-7 = الأحد
slip-by-appointment = بموعد: اتصلوا بالهاتف أولًا
slip-drop-in = بدون موعد

# Le papier : joindre le lieu, et ce qu'il faut y apporter et y dire.
slip-phone = الهاتف
slip-website = الموقع على الإنترنت
slip-bring = ما يجب إحضاره
slip-bring-nothing = لا يُطلب أي شيء خاص. أحضروا هذه الورقة.
slip-say = ما يمكنكم إظهاره أو قوله عند الاستقبال
slip-say-sentence = مرحبًا. قيل لي أن آتي إلى هنا من أجل: { "\u2068" }{ $procedure }{ "\u2069" }. هذا رمزي: { "\u2066" }{ $code }{ "\u2069" }.
slip-say-sentence-discreet = مرحبًا. قيل لي أن آتي إلى هنا. هذا رمزي: { "\u2066" }{ $code }{ "\u2069" }.

# Le papier : le code, et ce qui le suit.
slip-code = رمزكم
slip-scan = بعد ذلك، أخبرونا هل حصلتم على المساعدة: وجّهوا كاميرا هاتفكم إلى هذا المربع، أو اذهبوا إلى { "\u2066" }{ $address }{ "\u2069" }
slip-keep = احتفظوا بهذه الورقة. أظهروا الرمز في الأماكن الأخرى التي ستذهبون إليها.
slip-free = الخدمة مجانية. لا حاجة إلى إنشاء حساب.
slip-privacy = اسمكم غير مسجل. حقوقكم: { "\u2066" }{ $address }{ "\u2069" }

# Le papier, quand il n'envoie pas vers un lieu, ou ne doit pas le nommer.
slip-hotline = اتصلوا بهذا الرقم
slip-institution = اتصلوا بهذه الجهة
slip-told = قيل لكم شفهيًا إلى أين تذهبون. المكان غير مكتوب هنا.

# Le papier : la partie que garde la personne qui oriente.
slip-stub = جزء يحتفظ به الشخص الذي يعطي هذه الورقة
