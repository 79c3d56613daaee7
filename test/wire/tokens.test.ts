// The estimate of tokens against a real tokenizer, and every implementation against the one in TypeScript.
// The promise: for the median prompt of each of five kinds, the estimate is within ten percent.

import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { implementations, typescript } from "../../src/wire/kernels.ts";
import { seededRandom } from "./json.cases.ts";

/** Prompts written for this test; none of them was seen when the weights were fitted. */
const PROMPTS: Readonly<Record<string, readonly string[]>> = {
  English: [
    "Please summarise the attached meeting notes in five bullet points. Keep the names of the people who took on a task, and mention every deadline that was agreed, even if it was only said in passing.",
    "I'm planning a trip to Portugal in late September with two small children. We like quiet beaches, good food and short drives. Could you suggest an itinerary for ten days, starting and ending in Lisbon?",
    "You are a helpful assistant for a bank. Answer questions about accounts, cards and transfers. Never ask for a password. If you aren't sure about something, say so and offer to connect the customer with a colleague.",
    "What's the difference between a mutex and a semaphore? Explain it to somebody who has written a lot of Python, but has never had to think about threads before.",
    "Write a short, friendly email to our landlord, Mr. Henderson, about the broken heating. It has been cold since Monday, 14 November, and this is the third time this year that it has failed.",
    "The quarterly report shows that revenue grew by 12.4% to $3.2 million, while operating costs rose only slightly. Which risks should the board discuss, and which questions would an investor ask?",
  ],
  code: [
    "function debounce(callback, waitMs) {\n  let timer = null;\n  return (...args) => {\n    clearTimeout(timer);\n    timer = setTimeout(() => callback(...args), waitMs);\n  };\n}\n\nexport default debounce;\n",
    'def read_rows(path: str) -> list[dict]:\n    """Reads a CSV file and skips rows without an id."""\n    with open(path, newline="") as handle:\n        reader = csv.DictReader(handle)\n        return [row for row in reader if row.get("id")]\n\n\nif __name__ == "__main__":\n    print(len(read_rows(sys.argv[1])))\n',
    "SELECT c.name, COUNT(o.id) AS orders, SUM(o.total) AS revenue\nFROM customers AS c\nLEFT JOIN orders AS o ON o.customer_id = c.id\nWHERE c.created_at >= '2024-01-01'\nGROUP BY c.name\nHAVING COUNT(o.id) > 3\nORDER BY revenue DESC\nLIMIT 20;\n",
    '#include <stdio.h>\n#include <stdlib.h>\n\nint main(int argc, char **argv) {\n    if (argc < 2) {\n        fprintf(stderr, "usage: %s count\\n", argv[0]);\n        return 1;\n    }\n    int count = atoi(argv[1]);\n    for (int i = 0; i < count; i++) {\n        printf("%d %d\\n", i, i * i);\n    }\n    return 0;\n}\n',
    'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n)\n\nfunc handler(w http.ResponseWriter, r *http.Request) {\n\tfmt.Fprintf(w, "Hello, %s!", r.URL.Path[1:])\n}\n\nfunc main() {\n\thttp.HandleFunc("/", handler)\n\thttp.ListenAndServe(":8080", nil)\n}\n',
    "export interface UserProfile {\n  readonly id: string;\n  displayName: string;\n  emailAddress?: string;\n}\n\nexport async function fetchProfile(userId: string): Promise<UserProfile> {\n  const response = await fetch(endpointOf(userId));\n  if (!response.ok) throw new Error('request failed: ' + response.status);\n  return response.json();\n}\n",
  ],
  Chinese: [
    "请把下面的会议记录总结成五个要点。保留每个任务负责人的姓名，并注明所有已经商定的截止日期，即使只是顺便提到的也要写出来。",
    "我打算九月底带两个孩子去葡萄牙旅行十天，喜欢安静的海滩和美食，不想开太久的车。能不能帮我安排一个从里斯本出发并回到里斯本的行程？",
    "你是一家银行的客服助手，负责回答有关账户、银行卡和转账的问题。绝不能询问客户的密码。如果不确定答案，请如实说明，并提出转接人工客服。",
    "互斥锁和信号量有什么区别？请用简单的例子解释给一个写过很多程序、但从来没有接触过多线程的人听。",
    "请帮我写一封简短而友好的邮件给房东，告诉他暖气从星期一开始就坏了，这已经是今年第三次，希望他尽快派人来修理。",
    "报告显示本季度收入增长了百分之十二，而运营成本只是略有上升。董事会应该讨论哪些风险？投资者可能会提出哪些问题？",
    "帮我把这段英文翻译成中文，要求语气自然，不要逐字翻译，专业术语后面用括号注明原文。如果有不确定的地方，请在最后列出来。",
    "我最近晚上总是睡不好，早上起来很累，白天上班没有精神。有什么办法可以改善睡眠质量吗？我不想吃药，最好是生活习惯方面的建议。",
    "请用 Python 写一个函数，读取一个文件夹里的所有图片，把它们缩小到一半的大小，然后保存到另外一个文件夹。代码要有注释。",
    "下周我要去参加一个产品经理的面试，请你扮演面试官，一次问我一个问题，等我回答之后再给出评价和改进建议。",
    "给我推荐几本适合十岁孩子看的科学书，最好内容有趣，图片多一些，并且说明每一本书适合什么样的孩子。",
    "根据用户的问题和给出的资料回答。如果资料里没有答案，就说不知道，不要自己编造内容。回答要简洁，不超过三句话。",
    "冰箱里有鸡蛋、西红柿、土豆和一点牛肉，晚上两个人吃，可以做什么菜？请给出详细的步骤和时间。",
  ],
  Russian: [
    "Пожалуйста, перескажи протокол встречи в пяти пунктах. Сохрани имена тех, кто взял на себя задачу, и укажи все сроки, о которых договорились, даже если их упомянули вскользь.",
    "Мы планируем поездку в Португалию в конце сентября с двумя маленькими детьми. Нам нравятся тихие пляжи и вкусная еда. Посоветуй маршрут на десять дней с началом и концом в Лиссабоне.",
    "Ты помощник в банке. Отвечай на вопросы о счетах, картах и переводах. Никогда не спрашивай пароль. Если не уверен в ответе, скажи об этом и предложи связаться с сотрудником.",
    "Чем мьютекс отличается от семафора? Объясни это человеку, который много писал на Питоне, но никогда раньше не думал о потоках.",
    "Напиши короткое вежливое письмо хозяину квартиры о сломанном отоплении. С понедельника в доме холодно, и это уже третий раз за год, когда оно не работает.",
    "Отчёт за квартал показывает, что выручка выросла на двенадцать процентов, а расходы почти не изменились. Какие риски стоит обсудить совету директоров?",
    "Переведи этот текст на русский язык так, чтобы он звучал естественно, а не дословно. Если в каком-то месте ты не уверен, напиши об этом в конце ответа.",
    "В последнее время я плохо сплю и утром чувствую себя уставшим. Что можно сделать, чтобы лучше спать без таблеток? Дай несколько простых советов.",
    "Напиши функцию на Python, которая читает все картинки из папки, уменьшает их в два раза и сохраняет в другую папку. Добавь комментарии к коду.",
    "На следующей неделе у меня собеседование. Представь, что ты работодатель: задавай мне по одному вопросу, а после ответа говори, что можно улучшить.",
    "Посоветуй несколько книг о науке для ребёнка десяти лет. Хорошо бы, чтобы в них было много картинок и чтобы читать было интересно.",
    "Отвечай на вопрос пользователя только по данным ниже. Если ответа там нет, скажи, что не знаешь, и ничего не придумывай. Не больше трёх предложений.",
    "В холодильнике есть яйца, помидоры, картошка и немного мяса. Что можно приготовить на ужин на двоих? Напиши подробно, что и сколько времени делать.",
  ],
  Arabic: [
    "من فضلك لخص محضر الاجتماع المرفق في خمس نقاط. احتفظ بأسماء الأشخاص الذين تولوا المهام، واذكر كل موعد نهائي تم الاتفاق عليه حتى لو ذكر بشكل عابر.",
    "نخطط لرحلة إلى البرتغال في نهاية سبتمبر مع طفلين صغيرين. نحب الشواطئ الهادئة والطعام الجيد. هل يمكنك اقتراح برنامج لمدة عشرة أيام يبدأ وينتهي في لشبونة؟",
    "أنت مساعد في بنك. أجب عن الأسئلة المتعلقة بالحسابات والبطاقات والتحويلات. لا تطلب كلمة المرور أبدا. إذا لم تكن متأكدا من الإجابة فقل ذلك واعرض التواصل مع أحد الموظفين.",
    "ما الفرق بين القفل والإشارة في البرمجة؟ اشرح ذلك لشخص كتب الكثير من البرامج لكنه لم يفكر من قبل في الخيوط المتعددة.",
    "اكتب رسالة قصيرة وودية إلى صاحب المنزل بشأن التدفئة المعطلة. الجو بارد منذ يوم الاثنين، وهذه هي المرة الثالثة هذا العام التي تتوقف فيها.",
    "يظهر التقرير الفصلي أن الإيرادات ارتفعت بنسبة كبيرة بينما زادت تكاليف التشغيل قليلا. ما المخاطر التي يجب أن يناقشها مجلس الإدارة؟",
    "ترجم هذا النص إلى اللغة العربية بأسلوب طبيعي وليس ترجمة حرفية. إذا لم تكن متأكدا من شيء فاكتب ذلك في نهاية الإجابة.",
    "في الفترة الأخيرة لا أنام جيدا وأشعر بالتعب في الصباح. ماذا يمكنني أن أفعل لتحسين النوم بدون أدوية؟ أعطني بعض النصائح البسيطة.",
    "اكتب دالة بلغة Python تقرأ كل الصور من مجلد وتصغرها إلى النصف ثم تحفظها في مجلد آخر. أضف تعليقات إلى الكود.",
    "لدي مقابلة عمل في الأسبوع القادم. تصرف كأنك صاحب العمل واسألني سؤالا واحدا في كل مرة، وبعد كل إجابة أخبرني كيف أحسنها.",
    "أجب عن سؤال المستخدم اعتمادا على المعلومات التالية فقط. إذا لم تجد الجواب فقل إنك لا تعرف ولا تخترع شيئا. لا تكتب أكثر من ثلاث جمل.",
  ],
};

const estimate = (text: string) => {
  const bytes = Buffer.from(text);
  return typescript.estimateTokens(bytes, 0, bytes.length);
};

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

describe("the estimate of tokens", () => {
  test.each(Object.keys(PROMPTS))("is within ten percent for the median prompt: %s", (kind) => {
    const errors = PROMPTS[kind]!.map((text) => Math.abs(estimate(text) / encode(text).length - 1));
    expect(median(errors)).toBeLessThan(0.1);
    expect(Math.max(...errors)).toBeLessThan(0.3);
  });

  test.each(Object.keys(PROMPTS))("stays near when the prompt is escaped for JSON: %s", (kind) => {
    const errors = PROMPTS[kind]!.map(
      (text) => estimate(JSON.stringify(text).slice(1, -1)) / encode(text).length,
    );
    expect(median(errors)).toBeGreaterThan(0.85);
    expect(median(errors)).toBeLessThan(1.25);
  });

  test.each(["Chinese", "Russian", "Arabic"])("is of the right size when all is \\u escapes: %s", (kind) => {
    const ratios = PROMPTS[kind]!.map((text) => {
      const escaped = text.replace(/[^\x00-\x7f]/g, (char) => {
        return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
      });
      return estimate(escaped) / encode(text).length;
    });
    expect(median(ratios)).toBeGreaterThan(0.7);
    expect(median(ratios)).toBeLessThan(1.5);
  });

  test("of nothing is nothing, and never less", () => {
    for (const text of ["", " ", "\\u00", "\u0000"]) expect(estimate(text)).toBe(0);
  });
});

for (const kernels of implementations.slice(1)) {
  test(`the estimate at level ${kernels.level} is the same number, whatever the bytes`, () => {
    const random = seededRandom(31);
    const texts = Object.values(PROMPTS).flat();
    const alphabet = Buffer.from("aB0 \n\t.\\u00\\u4e\xc3\xa9\xd0\xb0\xe4\xb8\x80\xf0\x9f", "latin1");
    for (let round = 0; round < 3000; round++) {
      const bytes =
        random() < 0.5
          ? Buffer.from(texts[Math.floor(random() * texts.length)]!)
          : Uint8Array.from({ length: Math.floor(random() * 200) }, () => {
              return random() < 0.1 ? random() * 256 : alphabet[Math.floor(random() * alphabet.length)]!;
            });
      const start = Math.floor(random() * 40);
      const end = Math.max(start, bytes.length - Math.floor(random() * 70));
      if (end > bytes.length) continue;
      const got = kernels.estimateTokens(bytes, start, end);
      const expected = typescript.estimateTokens(bytes, start, end);
      if (got !== expected) {
        expect.fail(
          `${got}, not ${expected}: ${JSON.stringify(Buffer.from(bytes.subarray(start, end)).toString("latin1"))}`,
        );
      }
    }
  });
}
