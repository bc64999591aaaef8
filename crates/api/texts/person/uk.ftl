# Ce que lit une personne orientée, en ukrainien : la page où elle dit si elle a eu de l'aide (/c/ et son code), ce qui est gardé avec
# son code, et le papier qu'on lui donne. Phrases courtes, mots de tous les jours, sans genre quand c'est simple. Les mêmes clés,
# dans le même ordre, dans chaque langue.
# Le papier porte chaque phrase en français, puis dans cette langue.

language-name = Українська
direction = ltr

# La page « Avez-vous eu de l'aide ? ».
helped-title = Вам допомогли?
helped-intro = Вам підказали, куди піти у вашій справі. Розкажіть, як усе пройшло. Ми не питаємо ні вашого імені, ні номера телефону.
helped-resolved = Так, питання вирішено
helped-partially = Частково
helped-unresolved = Ні, ще не вирішено
helped-not-needed = Мені це вже не потрібно
helped-thanks-title = Дякуємо
helped-thanks = Вашу відповідь збережено. Вона допоможе краще направляти інших людей.
helped-change = Ви можете передумати: просто дайте відповідь ще раз.
helped-why = Чому? (якщо хочете сказати)
why-cannot-travel = Мені не вдалося туди дістатися
why-missing-documents = У мене не було потрібного документа
why-temporarily-closed = Там було зачинено
why-moved-or-closed = Цього закладу вже немає, або він переїхав
why-wrong-service = Це було не те місце
why-no-capacity = Вільних місць уже не було
why-appointment-only = Треба було записатися заздалегідь
why-digital-or-language-barrier = Було надто важко через мову або інтернет
why-other = Інша причина
helped-what-next = Ви можете знову піти з вашим кодом до людини, яка дала вам цей аркуш. Вона може підказати інше місце.
# $answer : l'une des réponses ci-dessus, dans la même langue.
helped-already = Ви вже відповіли: { $answer }

# La page où l'on tape son code.
code-title = Ваш код
code-label = Код, написаний на вашому аркуші
code-hint = 10 латинських літер і цифр
code-go = Продовжити
code-unknown-title = Код не розпізнано
code-unknown = Перевірте код на вашому аркуші: 10 латинських літер і цифр. Якщо все одно не виходить, запитайте в людини, яка вам його дала.
code-too-many-title = Забагато спроб
code-too-many = З цього інтернет-з'єднання введено забагато неправильних кодів. Спробуйте ще раз через годину.

# Ce qui est gardé avec un code.
your-data = Ваші дані
your-data-intro = Ось що ми зберігаємо з цим кодом. Тут немає ні вашого імені, ні вашої адреси.
your-data-download = Завантажити те, що зберігається
your-data-erase = Видалити все
your-data-erase-sure = Усе, що пов'язано з цим кодом, буде видалено назавжди. Код більше не працюватиме.
your-data-erase-confirm = Так, видалити все
your-data-erased-title = Видалено
your-data-erased = З цим кодом більше нічого не зберігається.
back = Назад
privacy-link = Ваші права і ваші дані

# Le papier : où aller. Les noms de démarches, de lieux et de communes y sont en français dans toutes les langues : aucune phrase
# ne les accorde ni ne les décline, et deux points les précèdent quand la langue l'aurait demandé.
slip-title = Куди піти
slip-for = Справа: { $procedure }
slip-address = Адреса
slip-directions = Як туди дістатися
# $distance : « 1,2 km ». $direction : l'un des huit points cardinaux qui suivent, écrits pour cette phrase.
slip-directions-from = { $distance } по прямій від { $place }, на { $direction }
slip-directions-in = Місто або село: { $commune }
compass-n = північ
compass-ne = північний схід
compass-e = схід
compass-se = південний схід
compass-s = південь
compass-sw = південний захід
compass-w = захід
compass-nw = північний захід

# Le papier : quand y aller.
slip-hours = Години роботи
slip-hours-unknown = Ми не знаємо годин роботи. Зателефонуйте, перш ніж іти.
slip-hours-vary = Години роботи не завжди однакові. Зателефонуйте, перш ніж іти.
slip-hours-closed = зачинено
# $days : un jour, deux jours joints par slip-and, ou slip-hours-range. $times : slip-hours-span, ou deux joints par slip-and, ou
# slip-hours-closed.
slip-hours-days = { $days }: { $times }
slip-hours-span = з { $from } до { $to }
slip-hours-range = { $first } – { $last }
slip-hours-always = Відчинено щодня, вдень і вночі
# Joint deux mots ; les espaces autour ne sont pas ici. En arabe, il se colle au mot qui suit.
slip-and = і
weekday-1 = понеділок
weekday-2 = вівторок
weekday-3 = середа
weekday-4 = четвер
weekday-5 = п'ятниця
weekday-6 = субота
weekday-7 = неділя
slip-by-appointment = За записом: спочатку зателефонуйте
slip-drop-in = Без запису

# Le papier : joindre le lieu, et ce qu'il faut y apporter et y dire.
slip-phone = Телефон
slip-website = Сайт в інтернеті
slip-bring = Що взяти з собою
slip-bring-nothing = Нічого особливого не потрібно. Візьміть цей аркуш.
slip-say = Що можна показати або сказати, коли прийдете
slip-say-sentence = Добрий день. Мені сказали прийти сюди. Справа: { $procedure }. Мій код: { $code }.
slip-say-sentence-discreet = Добрий день. Мені сказали прийти сюди. Мій код: { $code }.

# Le papier : le code, et ce qui le suit.
slip-code = Ваш код
slip-scan = Потім скажіть нам, чи вам допомогли: наведіть камеру телефона на цей квадрат або відкрийте { $address }
slip-keep = Збережіть цей аркуш. Показуйте код в інших місцях, куди підете.
slip-free = Це безкоштовно. Реєструватися не потрібно.
slip-privacy = Ваше ім'я не записано. Ваші права: { $address }

# Le papier, quand il n'envoie pas vers un lieu, ou ne doit pas le nommer.
slip-hotline = Зателефонуйте за цим номером
slip-institution = Зверніться до цієї установи
slip-told = Вам сказали усно, куди піти. Тут це не написано.

# Le papier : la partie que garde la personne qui oriente.
slip-stub = Частина, яку залишає собі людина, що дає цей аркуш
