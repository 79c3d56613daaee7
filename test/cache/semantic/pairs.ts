// Pairs of texts for the guard, written for it: which must not share an answer and why, and which may.

function table(lines: string): readonly (readonly [string, string])[] {
  return lines
    .trim()
    .split("\n")
    .map((line) => {
      const [one, other] = line.split(" | ");
      return [one!, other!] as const;
    });
}

/** By what they disagree on. */
export const STOPPED = {
  number: table(`
send 5 invitations | send 6 invitations
send five invitations | send six invitations
what is 17 plus 4 | what is 17 plus 5
the top 10 songs of all time | the top 100 songs of all time
a table for two | a table for 2 or 3
transfer $50 to the landlord | transfer $5,000 to the landlord
transfer 1,000 euros | transfer 10,000 euros
set the volume to 30% | set the volume to 80%
twenty-five percent of 80 | thirty-five percent of 80
order one hundred and five bolts | order one hundred and fifteen bolts
iPhone 14 battery life | iPhone 15 battery life
is Python 3.9 still supported | is Python 3.11 still supported
explain HTTP 404 | explain HTTP 403
what does error code 0x5 mean | what does error code 0x7 mean
my order number is 0042 | my order number is 42
the square root of 2 | the square root of -2
the second item of the list | the third item of the list
the 1st chapter | the 2nd chapter
1.5 million people | 1.5 billion people
a budget of 20k | a budget of 200k
room 101 | room 110
two dozen eggs | three dozen eggs
windows 10 update | windows 11 update
5 cups and 5 spoons | 5 cups and 6 spoons
roll a 6 sided die | roll a 20 sided die
play channel ninety nine point five | play channel ninety nine point seven
x = 4, what is x squared | x = 9, what is x squared
٣ أسئلة | ٤ أسئلة
全部で5個 | 全部で6個
`),
  date: table(`
remind me on Monday | remind me on Tuesday
what happened in 1914 | what happened in 1915
a flight on March 5 | a flight on March 6
a flight on March 5 | a flight on May 5
wake me at 7 am | wake me at 7 pm
wake me at 7:15 | wake me at 7:45
the weather today | the weather tomorrow
what did I do yesterday | what did I do today
meeting on 2024-03-05 | meeting on 2024-03-06
a reminder for noon | a reminder for midnight
news of this week | news of this month
opening hours on weekdays | opening hours on the weekend
in the morning | in the evening
the daily report | the weekly report
sales in January | sales in February
how is the weather | how is the weather tonight
the 5th of june | the 6th of june
`),
  unit: table(`
how far is it in km | how far is it in miles
run 5 km | run 5 miles
it weighs 70 kg | it weighs 70 pounds
set the oven to 180 celsius | set the oven to 180 fahrenheit
heat it to 30 C | heat it to 30 F
I paid $20 | I paid €20
I paid 20 dollars | I paid 20 pounds
a file of 5 MB | a file of 5 GB
a pause of 10 minutes | a pause of 10 seconds
2 cups of flour | 2 tablespoons of flour
an area in acres | an area in hectares
a discount of 5 % | a discount of 5 dollars
how many feet is it | how many inches is it
`),
  negation: table(`
my card is working | my card is not working
my card is working | my card isn't working
I can log in | I can't log in
do that | don't do that
foods with sugar | foods without sugar
people who have a visa | people who have no visa
I have received it | I have never received it
I still use this account | I no longer use this account
is it safe to mix them | is it not safe to mix them
he did it | he didn't do it
he did it | he didnt do it
will it rain | won't it rain
am I able to vote | am I unable to vote
everyone came | nobody came
either of them | neither of them
it will be possible | it will be impossible
I cannot see it | I can see it
you should eat this | you shouldn't eat this
they are here | they aren't here
`),
  antonym: table(`
turn on the lights | turn off the lights
turn the heating up | turn the heating down
turn the lights on please | please turn the lights off
switch on bluetooth | switch off bluetooth
power on the server | power off the server
increase the brightness | decrease the brightness
raise the limit | lower the limit
open the door | close the door
enable dark mode | disable dark mode
buy 10 shares | sell 10 shares
lock the account | unlock the account
start the service | stop the service
the highest mountain | the lowest mountain
the cheapest phone | the most expensive phone
the first president | the last president
the maximum value | the minimum value
the max value | the min value
encode the string | decode the string
encrypt a file | decrypt a file
import the data | export the data
upload a picture | download a picture
install the driver | uninstall the driver
subscribe to the list | unsubscribe from the list
accept the offer | reject the offer
approve the request | deny the request
a hot drink | a cold drink
the best film | the worst film
the fastest car | the slowest car
advantages of nuclear power | disadvantages of nuclear power
is it legal | is it illegal
a valid passport | an invalid passport
a public school | a private school
the left lane | the right lane
sort it ascending | sort it descending
the oldest city | the youngest city
synchronous calls | asynchronous calls
the incoming mail | the outgoing mail
symptoms of high blood pressure | symptoms of low blood pressure
lend money | borrow money
credit card | debit card
a positive test | a negative test
deposit 100 dollars | withdraw 100 dollars
before the meeting | after the meeting
log in | log out
sign in | sign out
check in to the hotel | check out of the hotel
opt in | opt out
connect the phone | disconnect the phone
mute the call | unmute the call
send an email | receive an email
was he innocent | was he guilty
the previous song | the next song
a transfer to savings | a transfer from savings
`),
  entity: table(`
the capital of France | the capital of Spain
the weather in Paris | the weather in Berlin
weather in paris | weather in berlin
who founded Apple | who founded Microsoft
call Bob | call Alice
call bob | call alice
the stock price of TSLA | the stock price of AAPL
what does getUserById do | what does getUserByName do
open src/main.ts | open src/index.ts
summarize https://example.org/a | summarize https://example.org/b
write to bob@example.org | write to rob@example.org
install node.js | install next.js
explain std::map | explain std::set
learn C++ | learn C#
flights to Will | flights to Rob
the history of the US | the history of us
a recipe for pizza | a recipe for lasagna
用法文说你好 | 用法文说再见
погода в москве | погода в киеве
wie ist das wetter in wien | wie ist das wetter in graz
où est la gare | où est la plage
日本の首都 | 韓国の首都
ما هي عاصمة مصر | ما هي عاصمة سوريا
`),
  question: table(`
when did he arrive | why did he arrive
who wrote this book | when did they write this book
where is my order | when is my order
why is the sky blue | is the sky blue
who is the king | where is the king
where was she born | when was she born
`),
  scope: table(`
delete the last message | delete all messages
delete messages | delete all messages
read only the title | read the title
one of both | one of either
at least 3 letters | at most 3 letters
more than 3 letters | less than 3 letters
more than 3 letters | at least 3 letters
eat before noon | eat until noon
a pencil and a pen | a pencil or a pen
the same color | another color
play it again | play it
answer once | answer twice
`),
  owner: table(`
what is my name | what is your name
where is his car | where is her car
our plan | their plan
what did he say | what did she say
`),
  tense: table(`
it was cold in here | it will be cold in here
did you like it | will you like it
must I register | may I register
should we go | must we go
I was there | I should be there
`),
  order: table(`
convert EUR to USD | convert USD to EUR
convert dollars to euros | convert euros to dollars
a flight from Paris to London | a flight from London to Paris
is python better than java | is java better than python
did Anna call Bob | did Bob call Anna
the dog bites the man | the man bites the dog
translate it from french to german | translate it from german to french
replace foo with bar | replace bar with foo
divide 10 by 2 | divide 2 by 10
3 apples and 5 pears | 5 apples and 3 pears
move it from home to work | move it from work to home
milk instead of cream | cream instead of milk
is A bigger than B | is B bigger than A
the ratio of cats to dogs | the ratio of dogs to cats
tea not coffee | coffee not tea
who beat whom: Chelsea beat Arsenal | who beat whom: Arsenal beat Chelsea
`),
  word: table(`
how do I say 'please' in french | how do I say 'thanks' in french
how do you say hello in french | how do you say thanks in french
explain photosynthesis | summarize photosynthesis
boil an egg | fry an egg
a red dress | a green dress
transfer the money | request the money
write a poem | write a story
turn on the light | turn on the fan
I cannot find my pin | I cannot use my pin
2 + 3 | 2 * 3
what can you do | what do you want
x > 5 | x < 5
for (i = 0; i < n; i++) | for (i = 0; i <= n; i++)
if (!ready) | if (ready)
who is it | what is it
ok | sure
`),
} as const;

/** By what was changed. */
export const PASSED = {
  courtesy: table(`
what is the weather today | please tell me what the weather is today
reset my password | could you please reset my password
reset my password | Hi, can you help me reset my password? Thanks!
show my balance | would you mind showing my balance
play some jazz | play some jazz please
open the calendar | please could you open the calendar for me
set an alarm for 6 am | i would like to set an alarm for 6 am
what's my balance | i want to know my balance
how tall is he | do you know how tall he is
cancel the order | I'd like to cancel the order
`),
  contraction: table(`
what's the time in Rome | what is the time in Rome
I'm late | I am late
I can't log in | I cannot log in
I can't log in | I am not able to log in
it doesn't work | it does not work
it doesnt work | it doesn't work
won't it rain | will not it rain
I'll be late | I will be late
where's my card | where is my card
whats up with my card | what is up with my card
they haven't paid | they have not paid
I don't have it anymore | I no longer have it
`),
  punctuation: table(`
what is the capital of france | What is the capital of France?
book a table, please. | Book a table please
turn the lights on!!! | turn  the lights   on
TURN ON THE TV | turn on the tv
hello world | Hello, World!
e-mail my boss | email my boss
what can you do? | What can you do, please
check my wi-fi | check my wifi
“smart quotes” here | "smart quotes" here
I’m here | I'm here
ﬁnd ｆｕｌｌ width | find full width
的天气。 | 的天气
`),
  number: table(`
what is 5 plus 7 | what is five plus seven
1,000 dollars | 1000 dollars
$1,000 | 1000 usd
a loan of 5k | a loan of 5000
twenty five people | 25 people
twenty-five people | 25 people
one hundred and twenty | 120
5 million people | 5,000,000 people
5 % off | 5 percent off
€20 | 20 euros
£5 | 5 pounds
the 3rd chapter | the third chapter
a ticket to Rome | one ticket to Rome
1 ticket | one ticket
2.50 | 2.5
iPhone 14 | iphone14
GPT-4 | gpt 4
٣ أسئلة | 3 أسئلة
７個 | 7個
a dozen eggs | 12 eggs
two and two | 2 and 2
`),
  unit: table(`
run 5 km | run 5 kilometers
run 5km | run 5 kilometres
10 mins | 10 minutes
3 hrs | 3 hours
70 kgs | 70 kilograms
30 C | 30 celsius
5 ft | 5 feet
3 lbs | 3 pounds
`),
  date: table(`
wake me at 3 pm | wake me at 15:00
wake me at 3pm | wake me at 3:00 pm
lunch at noon | lunch at 12 pm
the 5th of March | March 5
March 5th, 2024 | 2024-03-05
on Mon | on monday
in feb | in February
5 o'clock | 5:00
meet me tmrw | meet me tomorrow
`),
  plural: table(`
show my card | show my cards
delete the file | delete the files
a recipe for pancakes | recipes for pancake
which city is big | which cities are big
the child sleeps | the children sleep
find a box | find boxes
my transfer failed | my transfers failed
`),
  article: table(`
the capital of a country | capital of the country
read my mail | read the mail
open an account | open account
`),
  tense: table(`
my card was declined | my card declined
he pays rent | he paid rent
I lost my card | I am losing my card
stop tracking | stop tracked
`),
  synonym: table(`
buy a phone | purchase a phone
a big house | a large house
a quick answer | a fast answer
delete the picture | remove the photo
begin the test | start the test
turn off the television | switch off the tv
shut off the lights | turn the lights off
my cell phone is broken | my phone is broken
choose a doctor | pick a physician
my favourite movie | my favorite film
an attorney in Boston | a lawyer in Boston
what is the price of the ticket | how much is the ticket
what's the best way to cook rice | how do I cook rice
how can I cook rice | how to cook rice
the reason why it failed | why it failed
how come it failed | why did it fail
what time does it open | when does it open
how old is she | what is her age
how many people live there | what is the number of people living there
sign up | register
sign in | log in
help me top up | help me top-up
setting up an account | set up an account
`),
  reorder: table(`
remind me to call Bob on Friday | on Friday remind me to call Bob
turn the lights off in the kitchen | in the kitchen, turn off the lights
from Paris to London, find a flight | find a flight to London from Paris
milk, eggs and bread | bread, milk and eggs
at 5 pm book a table for two | book a table for two at 5 pm
the balance of my account | my account balance
tomorrow in Rome | in Rome tomorrow
the difference between TCP and UDP | the difference between UDP and TCP
give me 3 ideas for dinner | give me three dinner ideas
tabs vs spaces | spaces vs tabs
`),
  typing_error: table(`
my acount balance | my account balance
a resturant nearby | a restaurant nearby
the wether tomorow | the wether tomorrow
recieve a payment | receive a payment
a disposbale card | a disposable card
the temperture in Rome | the temperature in Rome
`),
  compound: table(`
the best fan base | the best fanbase
my post code | my postcode
a data base | a database
`),
} as const;
